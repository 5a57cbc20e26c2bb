"""What docs/coverage.md says of Google's emulator is what was measured, of all cases there are."""

from __future__ import annotations

from tests.parity.cases import ALL
from tests.parity.table import PAGE, measured, rendered


def test_the_page_shows_what_was_measured() -> None:
    assert rendered(*measured()) in PAGE.read_text()


def test_every_case_was_measured_and_ours_answers_as_documented() -> None:
    _, seen = measured()
    assert [(each.name, each.documented, each.page) for each in seen] == [
        (case.name, case.documented, case.page) for case in ALL
    ]
    assert [each.name for each in seen if each.ours != each.documented] == []
