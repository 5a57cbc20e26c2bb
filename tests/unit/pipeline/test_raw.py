"""Raw files back into the messages that they were made of."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pytest

from event_types import registry
from event_types.contract import Contract
from event_types.dead_letter import Reason
from pipeline import dead_letter, raw
from pipeline.events import Router
from pipeline.main import JobOptions, Misused
from pipeline.record import Message
from pipeline.replay import ReplayOptions, span_of
from tests.integration.newer import order

PUBLISHED = datetime(2024, 1, 15, 10, 31, tzinfo=UTC)
SPAN = raw.Span(datetime(2024, 1, 15, 10, 30, 30, tzinfo=UTC), datetime(2024, 1, 16, tzinfo=UTC))
ROUTER = Router(registry.ALL, 1 << 20)


@pytest.mark.parametrize("name", [each.name for each in registry.ALL])
def test_an_event_s_line_is_its_message_again(name: str) -> None:
    event_type = registry.by_name(name)
    data = event_type.fake(Random(1), PUBLISHED).model_dump_json().encode()
    row = ROUTER.row(Message("e1", data, {"event_id": "e1"}, PUBLISHED))
    again = raw.of_event(orjson.loads(row.line))
    assert orjson.loads(again.data) == orjson.loads(data)
    assert again.attributes == {"event_id": "e1", "event_type": name}
    assert again.publish_time == PUBLISHED


def test_what_was_set_aside_is_in_its_place_again() -> None:
    wide = order(1, {"gift": True, "shipping_address": {}}, colour="red")
    wide["shipping_address"] = {**order(1, {})["shipping_address"], "zip": "1010"}
    message = Message("e1", orjson.dumps(wide), {}, PUBLISHED)
    row = ROUTER.sparing(message, lambda name: Contract.DISCARD)
    assert orjson.loads(raw.of_event(orjson.loads(row.line)).data) == wide


@pytest.mark.parametrize("data", [b'{"event_type": "order"}', b"\xff\xfe not text", b""])
def test_a_dead_letter_s_line_is_its_message_again(data: bytes) -> None:
    message = Message("e1", data, {"event_id": "e1", "k": "v"}, PUBLISHED)
    again = raw.of_letter(orjson.loads(dead_letter.row(message, Reason.NOT_JSON, "why").line))
    assert (again.data, again.attributes, again.publish_time, again.message_id) == (
        data, {"event_id": "e1", "k": "v"}, PUBLISHED, "e1"
    )  # fmt: skip


def test_a_span_has_the_files_of_its_minutes_and_no_other(tmp_path: Path) -> None:
    names = [
        "output/order/2024/01/15/10/29/order_202401151029001.json",
        "output/order/2024/01/15/10/30/order_202401151030001.json",
        "output/order/2024/01/15/23/59/order_202401152359002.json",
        "output/order/2024/01/16/00/00/order_202401160000001.json",
        "output/order/2024/01/15/10/31/notes.json",
        "dead-letter/not_json/2024/01/15/10/31/not_json_202401151031001.json",
        "output/nobody/2024/01/15/10/31/nobody_202401151031001.json",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    source = raw.Source("p", str(tmp_path))
    folders = list(raw.folders(registry.ALL, ["not_json"], SPAN))
    assert len(folders) == len(registry.ALL) + 1
    listing = raw.ListFiles(source, SPAN)
    found = [name for folder in folders for name in listing.process(folder)]
    assert found == [names[1], names[2], names[5]]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    raw.Source("p", str(tmp_path)).check()
    with pytest.raises(raw.NoSource, match=r"--source .*none: no such folder"):
        raw.Source("p", str(tmp_path / "none")).check()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--to", "2024-01-16T00:00:00Z"], "--from None: expected a time such as"),
        (["--from", "2024-01-15", "--to", "2024-01-16T00:00:00Z"], "--from 2024-01-15: expected"),
        (
            ["--from", "2024-01-16T00:00:00Z", "--to", "2024-01-16T01:00:00+01:00"],
            "--to 2024-01-16T01:00:00.01:00: expected a time after --from",
        ),
    ],
)
def test_a_span_that_is_none_is_refused_by_option_and_value(argv: list[str], said: str) -> None:
    with pytest.raises(Misused, match=said):
        span_of(JobOptions(argv).view_as(ReplayOptions))
