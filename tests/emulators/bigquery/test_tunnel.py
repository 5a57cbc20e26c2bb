"""The Storage APIs' clients as they are, led by variables alone; nobody is led elsewhere."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from google.cloud import bigquery

from localgcp import clients, environment, tunnel
from localgcp.bigquery.emulator import BigQueryEmulator
from tests.emulators.bigquery.conftest import PROJECT, address_of

_SCRIPT = """
import sys
from google.cloud import bigquery, bigquery_storage

table = sys.argv[1]
client = bigquery.Client()
print(client.list_rows(table).to_arrow().column("a").to_pylist())
print(client.list_rows(table).to_dataframe()["a"].sum())
types = bigquery_storage.types
reader = bigquery_storage.BigQueryReadClient()
path = "projects/{}/datasets/{}/tables/{}".format(*table.split("."))
asked = types.ReadSession(table=path, data_format=types.DataFormat.AVRO)
session = reader.create_read_session(parent=f"projects/{client.project}", read_session=asked)
print(session.estimated_row_count)
"""


@pytest.fixture
def variables(emulator: BigQueryEmulator, tmp_path: Path) -> dict[str, str]:
    address = address_of(emulator)
    clients.write_files(tmp_path, address, PROJECT)
    return {
        **environment.copy(),
        **clients.environ(tmp_path, {"bigquery": address}, PROJECT),
        **tunnel.led_by_asking(address, tmp_path),
    }


def test_rows_come_by_the_storage_api_with_variables_alone(
    client: bigquery.Client, dataset: str, variables: dict[str, str]
) -> None:
    table = f"{PROJECT}.{dataset}.t"
    client.query_and_wait(f"CREATE TABLE `{table}` AS SELECT * FROM UNNEST([1, 2, 3]) AS a")
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT, table],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    printed = ran.stdout.splitlines()
    assert sorted(printed[0]) == sorted("[1, 2, 3]")
    assert printed[1:] == ["6", "3"]


@pytest.mark.parametrize("target", ["storage.googleapis.com:443", "127.0.0.1:22", ""])
def test_a_connection_elsewhere_is_refused_by_name(
    emulator: BigQueryEmulator, variables: dict[str, str], target: str
) -> None:
    port = int(address_of(emulator).rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as door:
        door.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        said = b"".join(iter(lambda: door.recv(4096), b"")).decode()
    assert said.startswith("HTTP/1.1 403 Forbidden\r\n")
    assert said.endswith(f"not supported by the emulator: a connection to {target}\n")
