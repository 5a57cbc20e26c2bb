"""Rows that insertAll refuses on purpose, while it stores the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from localgcp.bigquery.catalog.table import Name
from localgcp.bigquery.rows.streaming import InsertError, Row
from localgcp.faults import Faults

EFFECTS = {
    "refuse": "insertAll refuses rows, `rate` of them, as a backendError; it stores the rest"
}

Insert = Callable[[list[Row]], list[InsertError]]


def refusing(faults: Faults, name: Name, rows: Sequence[Row], insert: Insert) -> list[InsertError]:
    """Insert the rows that no fault refuses; the errors of all, by their places among `rows`."""
    if not faults.has("refuse"):
        return insert(list(rows))
    call = f"POST /bigquery/v2/projects/{name.project}/datasets/{name.dataset}/tables/{name.table}"
    refused = {i for i in range(len(rows)) if faults.due(f"{call}/insertAll", "refuse")}
    kept = [i for i in range(len(rows)) if i not in refused]
    errors = [
        InsertError(i, "backendError", message="refused by a fault that was thrown on purpose")
        for i in refused
    ]
    if kept:
        found = insert([rows[i] for i in kept])
        errors += [replace(error, index=kept[error.index]) for error in found]
    return sorted(errors, key=lambda error: error.index)
