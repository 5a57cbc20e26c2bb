"""A dbt project by dbt's own command: seed, run, test, snapshot, run again, and its docs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

SHOP = Path(__file__).parent / "shop"
LATER = """id,customer,status,amount,placed_at
1,ada,placed,10.50,2024-01-15 10:00:00
2,bob,delivered,20.00,2024-01-15 11:00:00
3,ada,delivered,5.25,2024-01-16 09:30:00
4,cyd,placed,7.00,2024-01-17 08:00:00
"""
Dbt = Callable[..., str]


@pytest.fixture
def dbt(bigquery_dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dbt:
    project, dataset = bigquery_dataset.split(".")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", project)
    monkeypatch.setenv("DBT_DATASET", dataset)
    shutil.copytree(SHOP, tmp_path / "shop")

    def run(*command: str) -> str:
        program = Path(sys.executable).with_name("dbt")
        ran = subprocess.run(
            [program, *command, "--no-use-colors"],
            cwd=tmp_path / "shop",
            env={**os.environ, "DBT_PROFILES_DIR": str(tmp_path / "shop")},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout
        return ran.stdout

    return run


def test_a_project_is_built_grows_and_is_documented(
    dbt: Dbt, bigquery_dataset: str, tmp_path: Path
) -> None:
    client = bigquery.Client()
    _, dataset = bigquery_dataset.split(".")

    def rows(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in client.query_and_wait(sql.format(d=dataset))]

    dbt("build")
    assert rows("SELECT customer, orders, amount FROM {d}.customers ORDER BY 1") == [
        ("ada", 2, 15.75),
        ("bob", 1, 20),
    ]
    table = client.get_table(f"{bigquery_dataset}.orders")
    assert (table.description, table.clustering_fields) == ("One row an order", ["customer"])
    assert table.schema[0].description == "The shop's number"
    assert client.get_table(f"{bigquery_dataset}.customers").labels == {"team": "shop"}

    (tmp_path / "shop" / "seeds" / "raw_orders.csv").write_text(LATER)
    dbt("seed")
    dbt("run", "--vars", "with_source: true")
    assert rows("SELECT order_id, status, source FROM {d}.orders ORDER BY 1") == [
        (1, "placed", None),
        (2, "placed", None),
        (3, "delivered", "web"),
        (4, "placed", "web"),
    ]
    assert rows("SELECT orders FROM {d}.days ORDER BY placed_on") == [(2,), (1,), (1,)]
    dbt("snapshot")
    past = "SELECT id, status FROM {d}.statuses WHERE dbt_valid_to IS NOT NULL ORDER BY id"
    assert rows(past) == [(2, "placed"), (3, "shipped")]
    dbt("test")
    dbt("docs", "generate")
    catalog = json.loads((tmp_path / "shop" / "target" / "catalog.json").read_text())
    assert catalog["errors"] is None
    assert catalog["nodes"]["model.shop.orders"]["columns"]["amount"]["type"] == "NUMERIC"
    assert catalog["nodes"]["model.shop.orders"]["stats"]["num_rows"]["value"] == 4
    client.close()
