"""What a number of events a second takes on Dataflow and costs a month: one table of prices and
sizes, and the arithmetic. `python -m bench.scale` writes its figures into docs/scale.md.

Nothing here was run in a cloud: machine counts follow from CPU measured on a laptop and a stated
allowance, prices are list prices of us-central1.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
READ = "2026-11-25"
HOURS = 730
SECONDS = HOURS * 3600
MIB, GIB, TIB = 2**20, 2**30, 2**40

# Sizes: means over the fakes of the three types in equal parts; a test measures them again.
EVENT_BYTES = 330
ROW_BYTES = 510
ATTRIBUTE_BYTES = 100  # both attributes, the id and 20 bytes for the time (Pub/Sub pricing)
TYPES = 3
WINDOW_SECONDS = 60
FILE_BYTES = 16 * MIB
# While events are of the present, a window of publish time meets two minutes of event time.
MINUTES_A_WINDOW = 2
# CPU of one event in the job here is 76 to 100 µs (docs/benchmarks.md); for the harness, the
# shuffle and TLS four times that is allowed, and workers are planned to be 60 % busy.
EVENT_CPU_SECONDS = 400e-6
BUSY = 0.6
# Bytes that pass Streaming Engine for each of an event: as read, and as a line that is grouped.
ENGINE_PASSES = 2
WORKER_DISK_GIB = 30

# Where a figure was seen on the day of `READ`. Of Google's pages only stored copies could be read.
COPY = "a stored copy of the page"
EXAMPLES = 'a stored copy of the page "Pricing examples"'
TYPED = "a public transcription of the page, of 2026-09-08"
NOTES = "unverified: third-party notes; check the page before you budget"


@dataclass(frozen=True)
class Price:
    """A list price in US dollars, the page that should name it, and where it was seen."""

    what: str
    unit: str
    dollars: float
    page: str
    seen: str


PRICES = {
    "vcpu": Price("streaming worker, vCPU", "hour", 0.069, "Dataflow", TYPED),
    "memory": Price("streaming worker, memory", "GiB hour", 0.003557, "Dataflow", TYPED),
    "disk": Price("standard persistent disk", "GiB hour", 0.000054, "Dataflow", TYPED),
    "engine": Price("Streaming Engine, data processed", "GiB", 0.018, "Dataflow", TYPED),
    "pubsub": Price("throughput, published or delivered", "TiB", 40.0, "Pub/Sub", COPY),
    "insert_all": Price("streaming inserts, rows of 1 KiB", "200 MiB", 0.01, "BigQuery", COPY),
    "storage_write": Price("Storage Write API after 2 TiB", "GiB", 0.025, "BigQuery", NOTES),
    "table": Price("active logical storage, US", "GiB month", 0.02, "BigQuery", COPY),
    "object": Price("class A operation", "1,000", 0.005, "Cloud Storage", EXAMPLES),
    "bucket": Price("standard storage", "GiB month", 0.02, "Cloud Storage", EXAMPLES),
    "warm_cpu": Price("CPU allocated, vCPU", "second", 0.000018, "Cloud Run", COPY),
    "warm_memory": Price("CPU allocated, memory", "GiB second", 0.000002, "Cloud Run", NOTES),
}


@dataclass(frozen=True)
class Machine:
    """A worker's type; Dataflow charges for its vCPUs and memory whatever its family."""

    name: str
    vcpu: int
    memory_gib: int


SMALL, LARGE = Machine("e2-standard-2", 2, 8), Machine("n2-standard-4", 4, 16)


@dataclass(frozen=True)
class Quota:
    """What a project may do by default in one region, in bytes a second, and the page."""

    what: str
    bytes_a_second: float
    page: str
    seen: str = NOTES


QUOTAS = {
    "insert_all": Quota("insertAll, a region", 300e6, "BigQuery, Streaming inserts"),
    "insert_all_us": Quota("insertAll, US", 1e9, "BigQuery, Streaming inserts"),
    "storage_write": Quota("Storage Write, a region", 300e6, "BigQuery, Storage Write API"),
    "storage_write_us": Quota("Storage Write, US", 3e9, "BigQuery, Storage Write API"),
}
OBJECT_WRITES = 1_000
"""A bucket's first capacity, writes a second (Cloud Storage, Request rate guidelines)."""


@dataclass(frozen=True)
class Tier:
    """So many events a second."""

    rate: int
    sink: str

    @property
    def vcpus(self) -> float:
        """What the workers need."""
        return self.rate * EVENT_CPU_SECONDS / BUSY

    @property
    def machine(self) -> Machine:
        """The workers' type."""
        return SMALL if self.vcpus <= SMALL.vcpu else LARGE

    @property
    def workers(self) -> int:
        """How many of them."""
        return math.ceil(self.vcpus / self.machine.vcpu)

    @property
    def window_bytes(self) -> float:
        """The lines of one type in one window: what one key would hold, and sort, unsharded."""
        return self.rate / TYPES * ROW_BYTES * WINDOW_SECONDS

    @property
    def shards(self) -> int:
        """A power of two with which a shard's window fills about one file."""
        return 1 << math.ceil(math.log2(max(1.0, self.window_bytes / FILE_BYTES)))

    @property
    def objects_a_second(self) -> float:
        """Objects written."""
        return TYPES * self.shards * MINUTES_A_WINDOW / WINDOW_SECONDS

    @property
    def events(self) -> float:
        """Events a month."""
        return float(self.rate) * SECONDS

    @property
    def wire(self) -> float:
        """Bytes a second of messages, as Pub/Sub counts them."""
        return float(self.rate) * (EVENT_BYTES + ATTRIBUTE_BYTES)

    @property
    def rows(self) -> float:
        """Bytes a second into BigQuery and, as lines, into Cloud Storage."""
        return float(self.rate) * ROW_BYTES

    @property
    def options(self) -> str:
        """The command line's difference between tiers."""
        given = [f"--sink {self.sink}"] * (self.sink != "insert_all")
        given += [f"--file_shards {self.shards}"] * (self.shards > 1)
        return " ".join(given) or "none"


TIERS = (Tier(1_000, "insert_all"), Tier(10_000, "storage_write"), Tier(100_000, "storage_write"))


def dataflow(machine: Machine, workers: int, engine_bytes: float = 0.0) -> float:
    """Dollars a month of workers, and of what passes Streaming Engine."""
    hourly = machine.vcpu * PRICES["vcpu"].dollars + machine.memory_gib * PRICES["memory"].dollars
    hourly += WORKER_DISK_GIB * PRICES["disk"].dollars
    return workers * HOURS * hourly + engine_bytes / GIB * PRICES["engine"].dollars


def bigquery(tier: Tier) -> float:
    """Dollars a month of getting rows in."""
    if tier.sink == "insert_all":
        billed = tier.events * max(ROW_BYTES, 1024)
        return billed / (200 * MIB) * PRICES["insert_all"].dollars
    return max(0.0, tier.rows * SECONDS - 2 * TIB) / GIB * PRICES["storage_write"].dollars


def monthly(tier: Tier) -> dict[str, float]:
    """Dollars a month, by part; storage is that of one month's events, and each month adds one."""
    month = tier.rows * SECONDS / GIB
    return {
        "Dataflow": dataflow(tier.machine, tier.workers, ENGINE_PASSES * tier.rows * SECONDS),
        # Published once and delivered once; what is asked of the table manager is next to nothing.
        "Pub/Sub": 2 * tier.wire * SECONDS / TIB * PRICES["pubsub"].dollars,
        "BigQuery, rows in": bigquery(tier),
        "BigQuery, a month kept": month * PRICES["table"].dollars,
        "Cloud Storage, objects": (
            tier.objects_a_second * SECONDS / 1000 * PRICES["object"].dollars
        ),
        "Cloud Storage, a month kept": month * PRICES["bucket"].dollars,
    }


def idle() -> dict[str, float]:
    """Dollars a month of an environment in which nothing happens."""
    # One generator of 1 vCPU and 512 MiB, whose CPU is always allocated: it costs as if it worked.
    warm = SECONDS * (PRICES["warm_cpu"].dollars + 0.5 * PRICES["warm_memory"].dollars)
    return {
        "dev: 1 e2-standard-2": dataflow(SMALL, 1),
        "prod: 2 n2-standard-4, one warm generator": dataflow(LARGE, 2) + warm,
    }


def _table(*rows: tuple[str, ...]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def _dollars(amount: float) -> str:
    return f"${amount:,.0f}"


def _tiers() -> str:
    return _table(
        ("", *(f"{tier.rate:,} events/s" for tier in TIERS)),
        ("options", *(f"`{t.options}`" if t.options != "none" else "none" for t in TIERS)),
        ("workers", *(f"{tier.workers} {tier.machine.name}" for tier in TIERS)),
        (
            "vCPUs needed, of those there",
            *(f"{t.vcpus:.1f} of {t.workers * t.machine.vcpu}" for t in TIERS),
        ),
        ("messages, MB/s", *(f"{tier.wire / 1e6:.1f}" for tier in TIERS)),
        ("rows, MB/s", *(f"{tier.rows / 1e6:.1f}" for tier in TIERS)),
        ("a type's window in one key, MiB", *(f"{t.window_bytes / MIB:,.0f}" for t in TIERS)),
        ("the same in one shard, MiB", *(f"{t.window_bytes / t.shards / MIB:.1f}" for t in TIERS)),
        ("objects a second", *(f"{tier.objects_a_second:.1f}" for tier in TIERS)),
        ("events a month, billions", *(f"{tier.events / 1e9:,.1f}" for tier in TIERS)),
    )


def _quotas() -> str:
    tiers = (f"{tier.rate:,} events/s" for tier in TIERS)
    rows = [("quota, by default", "", *tiers, "page of quotas", "seen on")]
    for quota in QUOTAS.values():
        shares = (f"{tier.rows / quota.bytes_a_second:.1%}" for tier in TIERS)
        limit = f"{quota.bytes_a_second / 1e6:,.0f} MB/s"
        rows.append((quota.what, limit, *shares, quota.page, quota.seen))
    shares = (f"{tier.objects_a_second / OBJECT_WRITES:.1%}" for tier in TIERS)
    page = "Cloud Storage, Request rate guidelines"
    rows.append(("object writes, a bucket", f"{OBJECT_WRITES:,}/s", *shares, page, COPY))
    return _table(*rows)


def _cost() -> str:
    costs = [monthly(tier) for tier in TIERS]
    rows = [("US dollars a month", *(f"{tier.rate:,} events/s" for tier in TIERS))]
    rows += [(part, *(_dollars(cost[part]) for cost in costs)) for part in costs[0]]
    rows.append(("**all**", *(f"**{_dollars(sum(cost.values()))}**" for cost in costs)))
    return _table(*rows)


def _sinks() -> str:
    return _table(
        ("rows into BigQuery, US dollars a month", *(f"{t.rate:,} events/s" for t in TIERS)),
        *(
            (f"`{sink}`", *(_dollars(bigquery(Tier(t.rate, sink))) for t in TIERS))
            for sink in ("insert_all", "storage_write")
        ),
    )


def _idle() -> str:
    return _table(("idle", "US dollars a month"), *((k, _dollars(v)) for k, v in idle().items()))


def _prices() -> str:
    return _table(
        ("what", "each", "US dollars", "pricing page of", "seen on"),
        *(
            (p.what, p.unit, f"{p.dollars:.7f}".rstrip("0").rstrip("."), p.page, p.seen)
            for p in PRICES.values()
        ),
    )


BLOCKS = {
    "tiers": _tiers,
    "quotas": _quotas,
    "cost": _cost,
    "sinks": _sinks,
    "idle": _idle,
    "prices": _prices,
}
_MARKED = re.compile(r"(<!-- scale:(\w+) -->\n).*?(<!-- /scale -->)", re.DOTALL)


def blocks(text: str) -> Iterator[str]:
    """Names of the page's blocks."""
    for found in _MARKED.finditer(text):
        yield found[2]


def rendered(text: str) -> str:
    """The page with every figure computed anew."""
    return _MARKED.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}", text)


def main() -> int:
    """Write the figures into the page."""
    PAGE.write_text(rendered(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
