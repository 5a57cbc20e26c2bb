"""Ask both places all cases. With --write, keep what they say, and render docs/coverage.md."""

from __future__ import annotations

import sys

from tests.parity.both import running
from tests.parity.cases import ALL
from tests.parity.table import MEASURED, PAGE, Seen, put_into, rendered, saved


def main(write: bool) -> int:
    """0 if ours answers as documented, and Google's as it did when it was last measured."""
    with running() as both:
        seen = [
            Seen(case.name, case.documented, case.page, case.at(both.ours), case.at(both.google))
            for case in ALL
        ]
    for each in seen:
        print(f"{each.name}: documented {each.documented}; ours {each.ours}; theirs {each.google}")
    text = saved(both.release, seen)
    if write:
        MEASURED.write_text(text)
        PAGE.write_text(put_into(PAGE.read_text(), rendered(both.release, seen)))
    wrong = [each for each in seen if each.ours != each.documented]
    print(f"{len(seen) - len(wrong)} passed, {len(wrong)} failed")
    if MEASURED.read_text() != text:
        print(f"Google's emulator answers otherwise than {MEASURED.name} says; see --write")
        return 1
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main("--write" in sys.argv[1:]))
