"""docs/scale.md: every figure is computed from the one table, and the table from what is here."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import mean

import pytest

from bench import scale
from bench.scale import LARGE, QUOTAS, SMALL, TIERS, Tier, bigquery, dataflow, idle, monthly
from event_types import registry
from pipeline import storage_sink
from pipeline.events import Router
from pipeline.main import JobOptions
from pipeline.record import Message

TEXT = scale.PAGE.read_text()
ROOT = Path(__file__).parents[3]


def test_no_figure_of_the_page_is_stale() -> None:
    assert scale.rendered(TEXT) == TEXT
    assert sorted(scale.blocks(TEXT)) == sorted(scale.BLOCKS)


def test_a_changed_figure_would_be_noticed() -> None:
    total = f"**${sum(monthly(TIERS[2]).values()):,.0f}**"
    assert total in TEXT
    assert scale.rendered(TEXT.replace(total, "**$1**")) == TEXT


def test_the_sizes_are_those_of_the_events() -> None:
    router, moment = Router(registry.ALL, 2**20), datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
    events = [
        each.fake(Random(number), moment).model_dump_json().encode()
        for each in registry.ALL
        for number in range(200)
    ]
    rows = [router.row(Message("x" * 36, data, {}, moment)).line for data in events]
    assert mean(map(len, events)) == pytest.approx(scale.EVENT_BYTES, rel=0.1)
    assert mean(map(len, rows)) == pytest.approx(scale.ROW_BYTES, rel=0.1)
    assert len(registry.ALL) == scale.TYPES
    assert storage_sink.FILE_BYTES == scale.FILE_BYTES


def test_the_largest_tier_by_hand() -> None:
    """The same arithmetic on paper: 100,000 events/s of 510 B rows, 2,628,000 s a month."""
    tier = TIERS[2]
    assert tier.vcpus == pytest.approx(66.67, abs=0.01)  # 100,000 x 400 us / 0.6
    assert (tier.workers, tier.machine) == (17, LARGE)  # 66.67 / 4, rounded up
    assert tier.window_bytes == 1_020_000_000  # 33,333.3 events/s x 60 s x 510 B
    assert tier.shards == 64  # 1,020,000,000 / 16 MiB = 60.8
    assert tier.objects_a_second == pytest.approx(6.4)  # 3 types x 64 x 2 a minute
    cost = monthly(tier)
    # 17 x 730 h x (4 x 0.069 + 16 x 0.003557 + 30 x 0.000054) + 2 x 124,822.7 GiB x 0.018
    assert cost["Dataflow"] == pytest.approx(4151.50 + 4493.62, abs=1)
    # 2 x 43 MB/s x 2,628,000 s = 205.55 TiB x 40
    assert cost["Pub/Sub"] == pytest.approx(8_222, abs=1)
    # (124,822.7 - 2,048) GiB x 0.025
    assert cost["BigQuery, rows in"] == pytest.approx(3_069, abs=1)
    assert cost["Cloud Storage, objects"] == pytest.approx(84.1, abs=0.1)


def test_the_others_by_hand() -> None:
    assert (TIERS[0].workers, TIERS[0].machine, TIERS[0].shards) == (1, SMALL, 1)
    assert (TIERS[1].workers, TIERS[1].machine, TIERS[1].shards) == (2, LARGE, 8)
    # 2,628 million rows of 1 KiB = 2,566,406.25 MiB, at 0.01 for 200 MiB
    assert bigquery(TIERS[0]) == pytest.approx(128.32, abs=0.01)
    assert bigquery(Tier(1_000, "storage_write")) == 0.0  # 1.22 of the 2 TiB that are free
    assert dataflow(SMALL, 1) == pytest.approx(122.7, abs=0.1)
    # 488.42 for the workers, and 2,628,000 s of 1 vCPU at 0.000018 and 0.5 GiB at 0.000002
    assert idle()["prod: 2 n2-standard-4, one warm generator"] == pytest.approx(538.4, abs=0.1)


def test_what_no_page_was_seen_to_say_is_called_unverified() -> None:
    unverified = [row for row in TEXT.splitlines() if "| unverified: " in row]
    seen = [each.seen for each in scale.PRICES.values()] + [each.seen for each in QUOTAS.values()]
    assert len(unverified) == seen.count(scale.NOTES) == 6
    assert all("check the page before you budget" in row for row in unverified)


def test_every_tier_is_within_a_region_s_quotas() -> None:
    for tier in TIERS:
        assert tier.rows < QUOTAS[tier.sink].bytes_a_second
        assert tier.objects_a_second < scale.OBJECT_WRITES
        assert tier.window_bytes / tier.shards <= scale.FILE_BYTES
        assert tier.vcpus <= tier.workers * tier.machine.vcpu


def test_what_changes_between_tiers_are_options_of_the_job() -> None:
    for tier in TIERS:
        given = JobOptions(tier.options.split() if tier.options != "none" else [])
        assert (given.sink, given.file_shards) == (tier.sink, str(tier.shards))
    metadata = json.loads((ROOT / "docker/flex-template/metadata.json").read_text())
    names = {each["name"] for each in metadata["parameters"]}
    assert set(re.findall(r"--(sink|file_shards|at_least_once)", TEXT)) == set(JobOptions.SCALE)
    assert set(JobOptions.SCALE) <= names
