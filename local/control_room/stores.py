"""What the views of SQL, tables and files ask."""

from __future__ import annotations

import time
from itertools import islice
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode

from event_types import registry
from event_types.base import Query
from local import bucket
from local.asking import warehouse
from local.control_room.room import Api, BadCall, Call, Room
from local.trace import literal
from local.wire import Refused, ask

MOST_ROWS = 1_000
PREVIEW_ROWS = 20
PREVIEW_BYTES = 64 * 1024


def _api(room: Room) -> str:
    return f"{room.stack.url('bigquery')}/bigquery/v2/projects/{room.stack.names.project_id}"


def schema(room: Room, call: Call) -> Any:
    """The columns of each table, for completion."""
    return warehouse(room.stack).tables()


def queries(room: Room, call: Call) -> Any:
    """The questions that the data model lays its tables out for, and two of the dead letters."""
    found = [
        {"title": query.title, "table": each.table, "sql": _named(query, each.table)}
        for each in registry.ALL
        for query in each.queries
    ]
    letters = "SELECT reason, COUNT(*) AS letters\nFROM dead_letter_events\nGROUP BY reason\n"
    more = {"title": "Dead letters by reason", "table": "dead_letter_events"}
    return [*found, {**more, "sql": f"{letters}ORDER BY letters DESC"}]


def _named(query: Query, table: str) -> str:
    return query.sql.replace("`{table}`", table).replace("{table}", table).strip()


def estimate(room: Room, call: Call) -> Any:
    """What a statement would read: jobs.query with dryRun."""
    names = room.stack.names
    body = {
        "query": call.text("sql"),
        "useLegacySql": False,
        "dryRun": True,
        "defaultDataset": {"projectId": names.project_id, "datasetId": names.dataset},
    }
    answer = ask("POST", f"{_api(room)}/queries", body)
    return {"bytes": int(answer.get("totalBytesProcessed", 0))}


def run(room: Room, call: Call) -> Any:
    """Run one statement; at most a thousand rows come back."""
    began = time.monotonic()
    result = warehouse(room.stack).query(call.text("sql"))
    rows = list(islice((row for page in result.pages for row in page), MOST_ROWS))
    return {
        "columns": result.columns,
        "rows": rows,
        "total": result.total,
        "changed": result.changed,
        "seconds": time.monotonic() - began,
    }


def tables(room: Room, call: Call) -> Any:
    """Every table and view of the dataset."""
    base = f"{_api(room)}/datasets/{room.stack.names.dataset}/tables"
    listed = ask("GET", f"{base}?maxResults=1000").get("tables", [])
    found = []
    for each in listed:
        name = each["tableReference"]["tableId"]
        whole = ask("GET", f"{base}/{quote(name)}")
        found.append(
            {
                "name": name,
                "kind": whole["type"],
                "rows": int(whole.get("numRows", 0)),
                "bytes": int(whole.get("numBytes", 0)),
                "modified": int(whole.get("lastModifiedTime", 0)),
                "partition": whole.get("timePartitioning", {}).get("field", ""),
                "cluster": whole.get("clustering", {}).get("fields", []),
            }
        )
    return {"tables": sorted(found, key=lambda each: (each["kind"] != "TABLE", each["name"]))}


def table(room: Room, call: Call) -> Any:
    """One table: its columns, its partitions, its first rows."""
    names, name = room.stack.names, call.path["name"]
    base = f"{_api(room)}/datasets/{names.dataset}/tables"
    whole = ask("GET", f"{base}/{quote(name, safe='')}")
    here = warehouse(room.stack)
    sql = (
        "SELECT partition_id, total_rows FROM "
        f"`{names.dataset}`.INFORMATION_SCHEMA.PARTITIONS "
        f"WHERE table_name = {literal(name)} ORDER BY partition_id DESC"
    )
    parts = [row for page in here.query(sql).pages for row in page]
    rows = here.query(f"SELECT * FROM `{whole['tableReference']['tableId']}` LIMIT {PREVIEW_ROWS}")
    return {
        "name": name,
        "kind": whole["type"],
        "description": whole.get("description", ""),
        "rows": int(whole.get("numRows", 0)),
        "bytes": int(whole.get("numBytes", 0)),
        "partition": whole.get("timePartitioning", {}).get("field", ""),
        "cluster": whole.get("clustering", {}).get("fields", []),
        "schema": whole.get("schema", {}).get("fields", []),
        "view": whole.get("view", {}).get("query", ""),
        "partitions": [{"id": id_, "rows": n} for id_, n in parts],
        "preview": {"columns": rows.columns, "rows": [r for page in rows.pages for r in page]},
    }


def files(room: Room, call: Call) -> Any:
    """One folder of the bucket: `prefix`, `page`."""
    asked = {
        "prefix": call.query.get("prefix", ""),
        "delimiter": "/",
        "maxResults": "500",
        "pageToken": call.query.get("page", ""),
    }
    found = ask("GET", f"{bucket.url(room.stack)}?{urlencode(asked)}")
    items = [
        {"name": each["name"], "size": int(each["size"]), "written": each["timeCreated"]}
        for each in found.get("items", [])
    ]
    return {
        "folders": found.get("prefixes", []),
        "files": items,
        "next": found.get("nextPageToken", ""),
    }


def file(room: Room, call: Call) -> Any:
    """One object: what is known of it, and its first 64 KiB as text."""
    name = call.query.get("name", "")
    if not name:
        raise BadCall("name", name, "should name an object")
    about = ask("GET", bucket.url_of(room.stack, name))
    try:
        start = bucket.read(room.stack, name, PREVIEW_BYTES)
    except HTTPError as refusal:
        with refusal:
            raise Refused(refusal.code, f"{name} can't be read") from None
    return {
        "name": name,
        "size": int(about["size"]),
        "written": about["timeCreated"],
        "type": about.get("contentType", ""),
        "generation": about.get("generation", ""),
        "md5": about.get("md5Hash", ""),
        "text": start.decode(errors="replace"),
        "cut": int(about["size"]) > len(start),
    }


APIS = (
    Api("GET", "/api/schema", schema),
    Api("GET", "/api/queries", queries),
    Api("POST", "/api/sql/estimate", estimate),
    Api("POST", "/api/sql", run),
    Api("GET", "/api/tables", tables),
    Api("GET", "/api/tables/{name}", table),
    Api("GET", "/api/files", files),
    Api("GET", "/api/file", file),
)
