"""Sums up pytest's --junitxml files as Markdown: `python scripts/report.py FILE...`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree


def summary(file: Path) -> Iterator[str]:
    """One row of figures, then each failure with its first line."""
    suites = ElementTree.parse(file).getroot().findall("testsuite")
    total = {
        name: sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    seconds = sum(float(suite.get("time", 0)) for suite in suites)
    yield f"### {file.stem}\n"
    yield "| tests | failures | errors | skipped | seconds |\n|--:|--:|--:|--:|--:|"
    yield f"| {' | '.join(str(each) for each in total.values())} | {seconds:.0f} |\n"
    for case in (case for suite in suites for case in suite.findall("testcase")):
        for bad in (*case.findall("failure"), *case.findall("error")):
            first = (bad.get("message") or "").partition("\n")[0]
            yield f"- `{case.get('classname')}.{case.get('name')}`: {first}"


def main(files: list[str]) -> int:
    """Print the summaries; 2 if there is nothing to sum up."""
    if not files:
        print("report.py: no files; name those that pytest --junitxml wrote", file=sys.stderr)
        return 2
    for each in files:
        print("\n".join(summary(Path(each))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
