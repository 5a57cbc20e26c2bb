"""0 · Writes what others read of the event types: BigQuery schemas, DDL, JSON Schemas, the docs.

`python -m event_types.render` writes the files; `--check` names those that are stale instead.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from event_types import registry
from event_types.base import EventType
from event_types.dead_letter import DEAD_LETTER_TABLE, REASONS
from event_types.schema import GOOGLE_SQL, Column, Table

ROOT = Path(__file__).parent.parent
DATASET = "dev_events_dataset"


def bigquery_table(table: Table) -> dict[str, Any]:
    """What Terraform's for_each reads: the table as the API has it."""
    return {
        "table_id": table.name,
        "description": table.description,
        "partition_by": table.partition_by,
        "cluster_by": list(table.cluster_by),
        "schema": table.schema_to_api(),
    }


def ddl(table: Table, dataset: str) -> str:
    """GoogleSQL that creates the table; `dataset` may name a project."""
    columns = ",\n".join(_column_ddl(column, "  ") for column in table.columns)
    partition = table.partition_by
    if _type_of(table, partition) == "TIMESTAMP":
        partition = f"DATE({partition})"
    return (
        f"CREATE TABLE IF NOT EXISTS `{dataset}.{table.name}` (\n{columns}\n)\n"
        f"PARTITION BY {partition}\n"
        f"CLUSTER BY {', '.join(table.cluster_by)}\n"
        f"OPTIONS (description = {_quoted(table.description)});\n"
    )


def deduplicated_ddl(table: Table, dataset: str) -> str:
    """GoogleSQL that creates the view with each event once."""
    return (
        f"CREATE VIEW IF NOT EXISTS `{dataset}.{table.deduplicated_view}` AS\n"
        f"{table.deduplicated_sql(dataset)};\n"
    )


def _type_of(table: Table, name: str) -> str:
    return next(column.type for column in table.columns if column.name == name)


def _column_ddl(column: Column, indent: str) -> str:
    kind = GOOGLE_SQL.get(column.type, column.type)
    if column.fields:
        inner = ",\n".join(_column_ddl(field, indent + "  ") for field in column.fields)
        kind = f"STRUCT<\n{inner}\n{indent}>"
    if column.mode == "REPEATED":
        kind = f"ARRAY<{kind}>"
    required = " NOT NULL" if column.mode == "REQUIRED" else ""
    return (
        f"{indent}{column.name} {kind}{required} "
        f"OPTIONS (description = {_quoted(column.description)})"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def data_model() -> str:
    """docs/data-model.md: every table, why it is laid out so, and the queries it serves."""
    return "\n".join(_data_model()) + "\n"


def _data_model() -> Iterator[str]:
    yield "# Data model"
    yield ""
    yield "Written by `make render` from event_types/; edit the types there, not this page."
    yield ""
    yield "| event type | table | event time | partition, by day | cluster |"
    yield "|---|---|---|---|---|"
    for each in registry.ALL:
        keys = ", ".join(each.cluster_by)
        yield f"| {each.name} | {each.table} | {each.event_time} | {each.partition_by} | {keys} |"
    yield ""
    yield "The last four columns of every event table are the pipeline's. A file's line is the same"
    yield "record as the table's row, so `bq load` of the files makes the table again."
    yield "`{table}_deduplicated` is a view with the newest row of every event_id."
    for each in registry.ALL:
        yield from _event_type(each)
    yield from _dead_letter()


def _event_type(each: EventType) -> Iterator[str]:
    yield f"\n## {each.table}\n"
    yield f"{each.description} DDL: [{each.name}.sql](schemas/{each.name}.sql),"
    yield f"JSON Schema: [{each.name}.schema.json](schemas/{each.name}.schema.json).\n"
    yield from _columns(each.layout)
    yield f"\n**Partitioned by day of {each.partition_by}.** {each.why_partition}\n"
    yield f"**Clustered by {', '.join(each.cluster_by)}.** {each.why_cluster}"
    for query in each.queries:
        sql = query.sql.format(table=f"{DATASET}.{each.table}")
        yield f"\n{query.title}:\n```sql\n{sql}\n```"


def _columns(table: Table) -> Iterator[str]:
    yield "| column | type | mode | what it holds |"
    yield "|---|---|---|---|"
    yield from _rows(table.columns, "")


def _rows(columns: tuple[Column, ...], parent: str) -> Iterator[str]:
    for column in columns:
        kind = GOOGLE_SQL.get(column.type, column.type)
        yield f"| {parent}{column.name} | {kind} | {column.mode} | {column.description} |"
        yield from _rows(column.fields, f"{parent}{column.name}.")


def _dead_letter() -> Iterator[str]:
    yield f"\n## {DEAD_LETTER_TABLE.name}\n"
    yield f"{DEAD_LETTER_TABLE.description} Also as files below `dead-letter/<reason>/`."
    yield "DDL: [dead_letter.sql](schemas/dead_letter.sql).\n"
    yield from _columns(DEAD_LETTER_TABLE)
    yield "\n| reason | when |"
    yield "|---|---|"
    for reason, when in REASONS.items():
        yield f"| {reason} | {when} |"


def rendered() -> dict[str, str]:
    """Every file to write: its path from the root, and its text."""
    files = {"docs/data-model.md": data_model()}
    for each in registry.ALL:
        table = each.layout
        schema = each.model.model_json_schema(mode="validation")
        files[f"terraform/event_types/{each.name}.json"] = _json(bigquery_table(table))
        files[f"docs/schemas/{each.name}.schema.json"] = _json(schema)
        files[f"docs/schemas/{each.name}.sql"] = (
            ddl(table, DATASET) + "\n" + deduplicated_ddl(table, DATASET)
        )
    files["terraform/dead_letter_events.json"] = _json(bigquery_table(DEAD_LETTER_TABLE))
    files["docs/schemas/dead_letter.sql"] = ddl(DEAD_LETTER_TABLE, DATASET)
    return files


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"


def stale(root: Path = ROOT) -> list[str]:
    """Paths whose text on disk is not what would be written; also what nothing writes any more."""
    files = rendered()
    folders = {Path(name).parent for name in files if not name.endswith(".md")} - {
        Path("terraform")
    }
    found = {str(path.relative_to(root)) for each in folders for path in (root / each).iterdir()}
    wrong = [
        name
        for name, text in files.items()
        if not (root / name).exists() or (root / name).read_text() != text
    ]
    return sorted({*wrong, *(found - files.keys())})


def main(argv: list[str] | None = None) -> int:
    """Write all files; with --check, exit with 1 if one is stale."""
    args = argparse.ArgumentParser(prog="python -m event_types.render", description=__doc__)
    args.add_argument("--check", action="store_true", help="write nothing; name what is stale")
    if args.parse_args(argv).check:
        for name in (names := stale()):
            sys.stderr.write(f"stale: {name}; run `make render`\n")
        return 1 if names else 0
    for name, text in rendered().items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
