"""How often a service speaks of one cause."""

from __future__ import annotations

import logging

import pytest

from services.logs import Seldom


def test_a_cause_is_told_once_a_minute_with_how_many_there_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    times = iter([0.0, 1.0, 2.0, 3.0, 61.0, 121.0])
    seldom = Seldom(logging.getLogger("seldom"), lambda: next(times))
    for cause in ("a", "a", "b", "a", "a", "a"):
        seldom.error(cause, "%s failed", cause, event_id="e-1")
    assert [record.getMessage() for record in caplog.records] == [
        "a failed",
        "b failed",
        "a failed (2 more like it before)",
        "a failed",
    ]
    assert vars(caplog.records[0])["event_id"] == "e-1"
