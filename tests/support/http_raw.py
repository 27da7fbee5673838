"""HTTP as bytes on a socket, and protobuf by hand: what no well-behaved library would send."""
import json
import socket
import struct

PATIENCE = 60.0  # seconds of silence until a test gives up
JSON = "application/json"
PROTOBUF = "application/x-protobuf"
SCHEDULER = "/api/v1/scheduler"
EXECUTOR = "/api/v1/executor"


class Answer:
    def __init__(self, version, status, reason, headers):
        self.version, self.status, self.reason, self.headers = version, status, reason, headers
        self.body = b""

    def header(self, name):
        """None: not there."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Raw:
    """One connection. Reading past the peer's end gives None; a reset counts as an end."""

    def __init__(self, port, patience=PATIENCE, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:  # before connecting, or the window is larger
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(patience)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.held = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        """False: the peer has gone."""
        try:
            self.socket.sendall(data)
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def end(self):
        """No more is to come, but answers are read."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def more(self):
        try:
            got = self.socket.recv(1 << 16)
        except ConnectionResetError:
            got = b""
        self.held += got
        return bool(got)

    def line(self):
        while b"\r\n" not in self.held:
            if not self.more():
                return None
        line, self.held = self.held.split(b"\r\n", 1)
        return line

    def bytes(self, size):
        while len(self.held) < size:
            if not self.more():
                return None
        got, self.held = self.held[:size], self.held[size:]
        return got

    def ended(self):
        """Waits for the peer to close; False if it says something first."""
        return not self.held and not self.more()

    def head(self):
        status_line = self.line()
        if status_line is None:
            return None
        version, status, reason = (status_line.decode() + " ").split(" ", 2)
        headers = []
        while line := self.line():
            name, value = line.decode("latin-1").split(":", 1)
            headers.append((name, value.strip()))
        return Answer(version, int(status), reason.strip(), headers)

    def chunk(self):
        """b"": the last one; None: the peer has gone."""
        size = self.line()
        if size is None:
            return None
        data = self.bytes(int(size, 16))
        end = self.line()
        assert end in (b"", None), f"no end of line behind a chunk, but {end!r}"
        return data

    def answer(self, body=True):
        answer = self.head()
        if answer is None or not body:
            return answer
        if answer.header("Transfer-Encoding") == "chunked":
            while data := self.chunk():
                answer.body += data
        else:
            answer.body = self.bytes(int(answer.header("Content-Length") or 0))
        return answer

    def ask(self, data):
        self.send(data)
        return self.answer()


def request(method, path, body=None, version="1.1", **headers):
    """The bytes of a request; a header that is None is left out."""
    lines = [f"{method} {path} HTTP/{version}"]
    said = {"Host": "souk", **{key.replace("_", "-"): value for key, value in headers.items()}}
    if body is not None and "Transfer-Encoding" not in said:
        said.setdefault("Content-Length", len(body))
    lines += [f"{key}: {value}" for key, value in said.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def chunked(body, size=7):
    """As the body of a request with Transfer-Encoding: chunked."""
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def call(path, body, content_type=JSON, **headers):
    """A POST of an API; a body that is no bytes is printed as JSON."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return request("POST", path, body, Content_Type=content_type, **headers)


def exchange(port, data):
    """The answer to these bytes on a connection of their own; None: none came."""
    with Raw(port) as raw:
        raw.send(data)
        return raw.answer()


class Events(Raw):
    """A stream of events as raw records. The framing is checked on the way."""

    def __init__(self, port, path, body, content_type=JSON, accept=JSON, **more):
        super().__init__(port, **more)
        self.binary = accept == PROTOBUF
        self.send(call(path, body, content_type, Accept=accept))
        self.opened = self.head()
        if self.opened is not None and self.opened.status != 200:
            self.opened.body = self.bytes(int(self.opened.header("Content-Length") or 0))

    @property
    def id(self):
        return self.opened.header("Mesos-Stream-Id")

    def record(self):
        """None: the stream has ended."""
        data = self.chunk()
        if not data:
            return None
        length, newline, record = data.partition(b"\n")
        assert newline and int(length) == len(record), f"not one record: {data!r}"
        if not self.binary:
            assert b"\n" not in record and record.isascii(), f"breaks clients: {record!r}"
        return record

    def event(self, kind=None):
        """The next one, or the next of that kind; of JSON streams. None: the stream has ended."""
        while (record := self.record()) is not None:
            event = json.loads(record)
            if kind in (None, event["type"]):
                return event
        return None

    def message(self, kind=None):
        """As event(), of protobuf streams: {field: [values]}; the type is field 1."""
        while (record := self.record()) is not None:
            message = decode(record)
            if kind is None or message[1] == [kind]:
                return message
        return None


# --- protobuf


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def message(*fields):
    """Of pairs (number, value); what is None is left out."""
    out = b""
    for number, value in fields:
        if value is None:
            continue
        if isinstance(value, float):
            out += varint(number << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            out += varint(number << 3) + varint(value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def decode(data):
    """{number: [values]}, messages and texts as bytes."""
    fields, at = {}, 0

    def take_varint():
        nonlocal at
        number, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return number

    while at < len(data):
        tag = take_varint()
        if tag & 7 == 0:
            value = take_varint()
        else:
            size = {1: 8, 5: 4}.get(tag & 7) or take_varint()
            value = data[at:at + size]
            assert len(value) == size, "a field that is cut off"
            at += size
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def pb_id(text):
    """Of any of the ids, whose only field is the text."""
    return message((1, text))


def pb_scalar(name, value):
    return message((1, name), (2, 0), (3, message((1, float(value)))))


def pb_task(name, agent, command="true", resources=(("cpus", 0.1), ("mem", 32))):
    return message((1, name), (2, pb_id(name)), (3, pb_id(agent)),
                   *[(4, pb_scalar(*each)) for each in resources], (7, message((3, command))))


def pb_framework(name, user="root", **more):
    framework_id = more.get("framework_id")
    return message((1, user), (2, name), (3, pb_id(framework_id) if framework_id else None),
                   (10, message((1, 5))), *more.get("fields", ()))  # PARTITION_AWARE


def pb_subscribe(name, **more):
    return message((2, 1), (3, message((1, pb_framework(name, **more)))))


def pb_accept(framework, offers, *tasks, refuse=0.0):
    launch = message((1, 1), (2, message(*[(1, task) for task in tasks])))
    accept = message(*[(1, pb_id(each)) for each in offers], (2, launch), (3, message((1, refuse))))
    return message((1, pb_id(framework)), (2, 3), (4, accept))


def pb_acknowledge(framework, agent, task, uuid):
    return message((1, pb_id(framework)), (2, 8),
                   (8, message((1, pb_id(agent)), (2, pb_id(task)), (3, uuid))))


# --- what has to hold whatever was sent


def parse_json(data):
    """Strictly: no NaN, no bytes that are not UTF-8."""
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")
    return json.loads(data.decode("utf-8"), parse_constant=refuse)


def is_for_people(answer):
    """A refusal says what is wrong, in a text."""
    assert answer.header("Content-Type") == "text/plain; charset=utf-8", answer.headers
    text = answer.body.decode("utf-8")
    readable = " " in text.strip() and text.rstrip("\r\n").isprintable()
    assert readable and len(text) < 5000, f"no text: {text!r}"


def refused(answer, status, *words):
    assert answer is not None, "no answer at all"
    assert answer.status == status, f"expected {status}, not {answer}"
    is_for_people(answer)
    for word in words:
        assert word in answer.text, f"{word!r} is not in {answer.text!r}"


def is_consistent(state):
    """No agent has more in use or on offer than it has."""
    for slave in state["slaves"]:
        for name in ("cpus", "mem", "disk", "gpus"):
            total = slave["resources"][name]
            used, offered = slave["used_resources"][name], slave["offered_resources"][name]
            assert used >= 0 and offered >= 0 and used + offered <= total + 1e-9, \
                f"{name} of {slave['id']}: {used} used, {offered} offered, {total} there"


def watched(module, nodes):
    """The tests of a module; after each what `nodes(cluster)` gives must be up and consistent."""
    def watch(test):
        def run(cluster):
            test(cluster)
            for node in nodes(cluster):
                assert node.running(), f"{node.name} has died: {node.text()[-2000:]}"
                state = exchange(node.port, request("GET", "/state", Connection="close"))
                assert state is not None and state.status == 200, f"/state of {node.name}: {state}"
                parsed = parse_json(state.body)
                if "slaves" in parsed:
                    is_consistent(parsed)
        return run
    return {name: watch(test) if name.startswith("test_") else test for name,
            test in module.items()}
