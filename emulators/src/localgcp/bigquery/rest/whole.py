"""A whole result as the rows of one answer, if it is not too long for that.

BigQuery's Python client reads what it has not got yet from the Storage Read API, at Google, where
google-cloud-bigquery-storage is installed. Of a result that came whole with the answer which told
it that the query has ended, it asks nobody.
"""

from __future__ import annotations

import orjson

from localgcp.bigquery.rest.listing import Page
from localgcp.bigquery.rows.cells import encode

MAX_WHOLE_BYTES = 64 * 1024 * 1024
_BATCH = 10_000  # so many rows are Python's objects at a time


def whole_json(page: Page, int64_timestamps: bool) -> orjson.Fragment | None:
    """All its rows as JSON, or None if they are too long. Raises what `encode` raises."""
    pieces, size = [], 2
    for start in range(0, int(page.rows.num_rows), _BATCH):
        rows = encode(page.fields, page.rows.slice(start, _BATCH), int64_timestamps)
        piece = orjson.dumps(rows)[1:-1]
        size += len(piece) + 1
        if size > MAX_WHOLE_BYTES:
            return None
        pieces.append(piece)
    return orjson.Fragment(b"[" + b",".join(pieces) + b"]")
