"""Protobuf read by the table of messages, tests/conformance/mesos-v1.tsv, and by nothing of Souk's:
as what the same message is in JSON."""
import base64
import struct
from pathlib import Path

from http_raw import decode

TABLE = Path(__file__).resolve().parent.parent / "conformance" / "mesos-v1.tsv"
NUMBERS = {"int32", "int64", "uint32", "uint64"}
FIELDS = {}  # {message: {number: (name, label, type, default, notes)}}
ENUMS = {}  # {enum: {number: name}}


def load():
    for line in TABLE.read_text().splitlines()[1:]:
        kind, owner, name, number, label, value, default, notes = line.split("\t")
        if kind == "enum":
            ENUMS.setdefault(owner, {})[int(number)] = name
        elif kind == "field":
            FIELDS.setdefault(owner, {})[int(number)] = (name, label, value, default, notes)


def default_of(kind, text):
    if kind == "double":
        return float(text)
    if kind in NUMBERS:
        return int(text)
    return text == "true" if kind == "bool" else text


def value_of(kind, raw):
    if kind == "double":
        return struct.unpack("<d", raw)[0]
    if kind in NUMBERS:
        signed = raw - (1 << 64) if kind.startswith("int") and raw >> 63 else raw
        return signed
    if kind == "bool":
        return bool(raw)
    if kind == "string":
        return raw.decode()
    if kind == "bytes":
        return base64.b64encode(raw).decode()
    if kind in ENUMS:
        return ENUMS[kind][raw]
    return to_json(raw, kind)


def map_of(kind, entries):
    pairs = [to_json(each, kind) for each in entries]
    return {each["key"]: each["value"] for each in pairs}


def to_json(data, message):
    """Fails on a field that the message does not have, and on one that must be there and is not."""
    if not FIELDS:
        load()
    fields, out = FIELDS.get(message, {}), {}
    for number, values in decode(data).items():
        name, label, kind, _, notes = fields[number]
        if notes == "map":
            out[name] = map_of(kind, values)
        elif label == "repeated":
            out[name] = [value_of(kind, each) for each in values]
        else:
            out[name] = value_of(kind, values[-1])
    for name, label, kind, default, notes in fields.values():
        if name in out:
            continue
        assert label != "required", f"{message} without {name}"
        if default and "deprecated" not in notes:
            out[name] = default_of(kind, default)
    return out
