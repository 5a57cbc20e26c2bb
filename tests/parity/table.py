"""What was seen at both places, kept as data, and as the table of docs/coverage.md."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MEASURED = Path(__file__).with_name("measured.json")
PAGE = ROOT / "docs" / "coverage.md"
BEGIN, END = "<!-- measured by `tox -e parity -- --write` -->", "<!-- until here -->"


@dataclass(frozen=True)
class Seen:
    """One case, as it was answered."""

    name: str
    documented: str
    page: str
    ours: str
    google: str


def saved(release: str, seen: Iterable[Seen]) -> str:
    """The text of MEASURED."""
    cases = [asdict(each) for each in seen]
    return json.dumps({"release": release, "cases": cases}, indent=1) + "\n"


def measured() -> tuple[str, list[Seen]]:
    """The release of Google's emulator that was asked, and what was seen."""
    kept = json.loads(MEASURED.read_text())
    return kept["release"], [Seen(**each) for each in kept["cases"]]


def rendered(release: str, seen: Iterable[Seen]) -> str:
    """The table, between its marks."""
    seen = list(seen)
    differing = [each for each in seen if each.ours != each.google]
    right = sum(each.google == each.documented for each in seen)
    lines = [
        BEGIN,
        f"Of {len(seen)} cases ({_words(each.ours == each.documented for each in seen)} here as "
        f"documented), Google's emulator {release} answers {right} as documented. The rest:",
        "",
        "| asked | the documentation, page | here | Google's emulator |",
        "|---|---|---|---|",
    ]
    for each in differing:
        cells = (each.name, f"{each.documented} ({each.page})", each.ours, each.google)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, END])


def put_into(page: str, table: str) -> str:
    """The page with its table replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + table + after


def _words(right: Iterable[bool]) -> str:
    answers = list(right)
    return "all" if all(answers) else str(sum(answers))
