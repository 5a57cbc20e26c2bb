"""What is committed is what would be rendered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from event_types import registry, render
from event_types.dead_letter import DEAD_LETTER_TABLE


def test_nothing_committed_is_stale() -> None:
    assert render.stale() == []


def test_a_changed_a_missing_and_a_leftover_file_are_stale(tmp_path: Path) -> None:
    for name, text in render.rendered().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert render.stale(tmp_path) == []
    (tmp_path / "docs/data-model.md").write_text("old")
    (tmp_path / "docs/schemas/order.sql").unlink()
    (tmp_path / "terraform/event_types/gone.json").write_text("{}")
    assert render.stale(tmp_path) == [
        "docs/data-model.md",
        "docs/schemas/order.sql",
        "terraform/event_types/gone.json",
    ]


def test_terraform_reads_the_layout() -> None:
    for kind in registry.ALL:
        document = json.loads(render.rendered()[f"terraform/event_types/{kind.name}.json"])
        assert document["table_id"] == kind.table
        assert document["cluster_by"] == list(kind.cluster_by)
        assert document["schema"] == kind.layout.schema_to_api()


def test_ddl_partitions_a_timestamp_by_its_date() -> None:
    assert "PARTITION BY DATE(publish_time)" in render.ddl(DEAD_LETTER_TABLE, "d")
    assert "PARTITION BY event_date\n" in render.ddl(registry.ALL[0].layout, "d")


def test_check_names_what_is_stale(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert render.main(["--check"]) == 0
    monkeypatch.setattr(render, "rendered", lambda: {"docs/data-model.md": "new\n"})
    assert render.main(["--check"]) == 1
    assert "stale: docs/data-model.md" in capsys.readouterr().err
