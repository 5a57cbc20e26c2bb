"""The tests of Beam's that need not pass on LocalRunner, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "exceptions.txt"
STOCK = ("bundles", "portable")
NOWHERE = "nowhere"


class BadLine(ValueError):
    """A line of the list is not of its form."""

    def __init__(self, number: int, line: str) -> None:
        super().__init__(
            f"{FILE.name}:{number}: should be TEST | {' or '.join((*STOCK, NOWHERE))} | REASON;"
            f" got {line!r}"
        )


@dataclass(frozen=True)
class Allowed:
    """Where a test passes that fails here, and why it does."""

    passes: str
    """The stock runner that passes it, or NOWHERE."""
    reason: str


def read(text: str) -> dict[str, Allowed]:
    """The list by test, as `module/path_test.py::Class::test`. Raises BadLine."""
    found: dict[str, Allowed] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split("|", 2)]
        if len(parts) != 3 or parts[1] not in (*STOCK, NOWHERE) or not all(parts):
            raise BadLine(number, line)
        if parts[0] in found:
            raise BadLine(number, line)
        found[parts[0]] = Allowed(parts[1], parts[2])
    return found
