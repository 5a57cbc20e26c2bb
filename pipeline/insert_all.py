"""3 · Rows arrive; they leave by BigQuery's tabledata.insertAll, known again by their event ids."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from event_types.dead_letter import DEAD_LETTER_TABLE, REDRIVE_COUNT
from pipeline.columns import carries, without
from pipeline.insertion import RETRY_SECONDS, Fault
from pipeline.record import Row

INSERT_ID_LENGTH = 128
REQUEST_SECONDS = 30.0
# A column known to be absent is sent again after so long, since it may have come.
ABSENT_SECONDS = 60.0
# "no such field: items[0].colour." is how insertAll names what a table lacks.
_NO_SUCH_FIELD = re.compile(r"no such field: (.+?)\.?")
_INDEX = re.compile(r"\[\d+\]")


class InsertAll:
    """Sends a request a batch, and more where it is too large or a column is absent.

    What a table lacks is only known from its errors, so it is learnt from them: rows that have no
    value for an absent column go again at once, without it, and the next ones go so at first.
    """

    def __init__(
        self,
        dataset: str,
        client: bigquery.Client,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dataset, self._client, self._clock = dataset, client, clock
        self._seen: set[str] = set()
        self._absent: defaultdict[str, dict[str, float]] = defaultdict(dict)
        """By table: the columns that it lacks, and since when that is known."""

    def send(self, table: str, rows: list[Row]) -> list[Fault]:
        """Store rows, each event id once in the minutes that BigQuery remembers it for.

        See `insertion.Sender`.
        """
        self._look(table)
        faults: list[Fault] = []
        absent = self._known_absent(table)
        while rows:
            found = self._request(table, [(row, _stored(row, absent)) for row in rows])
            learnt = {each for fault in found for each in fault.columns} - absent.keys()
            rows = []
            for fault in found:
                needed = tuple(each for each in fault.columns if carries(fault.row, each))
                if needed or not learnt.intersection(fault.columns):
                    faults.append(fault._replace(columns=needed))
                else:
                    rows.append(fault.row)
            absent.update(dict.fromkeys(learnt, self._clock()))
        return faults

    def _look(self, table: str) -> None:
        """Ask for a table before its first rows. Raises NotFound.

        An insert into a table that is not there would be remembered by BigQuery: for minutes to
        come rows find no table, though it has been made (google-cloud-go#975).
        """
        if table in self._seen:
            return
        name = f"{self._client.project}.{self._dataset}.{table}"
        self._client.get_table(
            name, retry=DEFAULT_RETRY.with_timeout(RETRY_SECONDS), timeout=REQUEST_SECONDS
        )
        self._seen.add(table)

    def _known_absent(self, table: str) -> dict[str, float]:
        """Since when each column is known to be absent; the knowledge does not last."""
        oldest = self._clock() - ABSENT_SECONDS
        known = {path: since for path, since in self._absent[table].items() if since > oldest}
        self._absent[table] = known
        return known

    def _request(self, table: str, rows: list[tuple[Row, dict[str, Any]]]) -> list[Fault]:
        """One request, or more where it is too large."""
        try:
            errors = self._client.insert_rows_json(
                f"{self._client.project}.{self._dataset}.{table}",
                [values for _, values in rows],
                row_ids=[_insert_id(row) for row, _ in rows],
                skip_invalid_rows=True,
                retry=DEFAULT_RETRY.with_timeout(RETRY_SECONDS),
                timeout=REQUEST_SECONDS,
            )
        except NotFound:
            self._seen.discard(table)
            raise
        except GoogleAPICallError as error:
            if not _too_large(error):
                raise
            if len(rows) == 1:
                return [Fault(rows[0][0], error.message)]
            half = len(rows) // 2
            return self._request(table, rows[:half]) + self._request(table, rows[half:])
        return [_fault(rows[each["index"]][0], each["errors"]) for each in errors]


def _stored(row: Row, absent: Iterable[str]) -> dict[str, Any]:
    """A row's values as its table can take them; a value for an absent column stays to be told."""
    if not absent:
        return row.values
    return without(row.values, [path for path in absent if not carries(row, path)])


def _fault(row: Row, causes: list[dict[str, Any]]) -> Fault:
    # The other reasons (stopped, backendError, timeout, ...) blame the moment, not the row.
    invalid = [cause for cause in causes if cause.get("reason") == "invalid"]
    if not invalid:
        return Fault(row, "", passing=True)
    detail = "; ".join(f"{c.get('location', '')}: {c.get('message', '')}" for c in invalid)
    matches = [_NO_SUCH_FIELD.fullmatch(cause.get("message", "")) for cause in invalid]
    paths = [_INDEX.sub("", match[1]) for match in matches if match]
    return Fault(row, detail, columns=tuple(paths) if len(paths) == len(invalid) else ())


def _insert_id(row: Row) -> str:
    id_ = row.message.event_id
    if row.table == DEAD_LETTER_TABLE.name and (again := row.message.attributes.get(REDRIVE_COUNT)):
        id_ = f"{id_} {again}"  # what was sent again and failed again is a letter of its own
    return id_ if len(id_) <= INSERT_ID_LENGTH else sha256(id_.encode()).hexdigest()


def _too_large(error: GoogleAPICallError) -> bool:
    # 413, for which the client has no class, is the front end's; BigQuery's is 400 and these words.
    return error.code == 413 or (error.code == 400 and "payload size exceeds" in error.message)
