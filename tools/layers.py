"""Reads cmake/layers.txt for the checks."""
from pathlib import Path


class Layer:
    def __init__(self, name, kind, uses, headers, tests):
        self.name = name
        self.kind = kind  # pure, codec or impure
        self.uses = uses  # direct ones; read() makes them transitive
        self.headers = headers  # single headers of other layers
        self.tests = tests  # layers that its tests use besides


def read(root):
    """The layers by name, lowest first, `uses` closed over."""
    layers = {}
    path = Path(root) / "cmake" / "layers.txt"
    for line in path.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != 5:
            raise SystemExit(f"{path}: not a row of the table: {line}")
        uses = set(cells[2].split())
        for name in cells[2].split():
            uses |= layers[name].uses
        layers[cells[0]] = Layer(cells[0], cells[1], uses, set(cells[3].split()), set(cells[4].split()))
    return layers
