"""The delivery ledger: what was published against what is stored, id by id.

What counts as published is what the publisher recorded when Pub/Sub confirmed it, so a message
that the pipeline never saw is missed here. What counts as stored is read back by `local/stored.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson

SHOWN_IDS = 5

Ids = Counter[str]
"""How often each event id was seen."""


@dataclass(frozen=True)
class Stored:
    """Every event id found, by place. A dead letter is stored twice as well: row and file line."""

    rows: dict[str, Ids]
    """By table."""
    lines: Ids
    dead_rows: Ids
    dead_lines: Ids
    reasons: Counter[str] = field(default_factory=Counter)
    """Dead letters by reason."""
    files: int = 0
    changed: list[str] = field(default_factory=list)
    """Ids of rows that say something else than their lines: somebody wrote over them."""
    gone: list[str] = field(default_factory=list)
    """What is not there any more: a bucket, the dataset, a table."""


@dataclass(frozen=True)
class Ledger:
    """The account of one stack; all figures count event ids, but `duplicated`, which are extras."""

    published: int
    in_bigquery: int
    in_files: int
    dead_lettered: int
    lost: int
    lost_ids: list[str]
    """The first few, to look for."""
    duplicated_rows: int
    duplicated_lines: int
    unrecorded: int
    """Stored, but in no record: by a client that keeps none, gcloud say, or by a publisher that was
    killed after Pub/Sub had its event and before it had recorded that."""
    tables: dict[str, int]
    reasons: dict[str, int]
    files: int
    redriven: int = 0
    """Dead-lettered first, stored since: counted among both."""
    changed: int = 0
    """Rows that somebody wrote over since: their lines in the files say something else."""
    changed_ids: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """What is not there any more, by kind and name: the reason for what is lost."""

    @property
    def balanced(self) -> bool:
        """Whether every published event is accounted for, in tables and files alike, unchanged."""
        return self.lost == 0 and self.changed == 0 and not self.gone


def reconcile(published: Ids, stored: Stored) -> Ledger:
    """Compare. An id is lost if it is missing among the rows, or among the file lines."""
    rows: Ids = sum(stored.rows.values(), Counter())
    in_bigquery = rows.keys() | stored.dead_rows.keys()
    in_files = stored.lines.keys() | stored.dead_lines.keys()
    lost = sorted(published.keys() - (in_bigquery & in_files))
    dead = stored.dead_rows.keys() | stored.dead_lines.keys()
    return Ledger(
        published=len(published),
        in_bigquery=len(published.keys() & rows.keys()),
        in_files=len(published.keys() & stored.lines.keys()),
        dead_lettered=len(published.keys() & dead),
        lost=len(lost),
        lost_ids=lost[:SHOWN_IDS],
        duplicated_rows=_extras(rows, published),
        duplicated_lines=_extras(stored.lines, published),
        unrecorded=len((in_bigquery | in_files) - published.keys()),
        tables={table: ids.total() for table, ids in stored.rows.items()},
        reasons=dict(stored.reasons),
        files=stored.files,
        redriven=len(published.keys() & rows.keys() & dead),
        changed=len(stored.changed),
        changed_ids=stored.changed[:SHOWN_IDS],
        gone=stored.gone,
    )


def _extras(found: Ids, published: Ids) -> int:
    # An id that a producer published twice may be stored twice.
    return sum(max(0, count - max(1, published[each])) for each, count in found.items())


def read_published(log: Path) -> Ids:
    """The ids in a publish log; a last line that a kill cut short is skipped."""
    if not log.exists():
        return Counter()
    with log.open("rb") as lines:
        return Counter(record["event_id"] for record in records(lines))


def records(lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """The JSON objects on `lines`; a line that is none is skipped."""
    for line in lines:
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
