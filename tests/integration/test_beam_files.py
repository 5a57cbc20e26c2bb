"""Beam's own file sinks on a stock runner, in batch: they rename by batch requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from localgcp.clients import CREDENTIALS
from localgcp.storage.emulator import StorageEmulator

PIPELINE = """
import sys
import apache_beam as beam
from apache_beam.io import fileio
from apache_beam.options.pipeline_options import PipelineOptions

runner, bucket = sys.argv[1:]
options = PipelineOptions(["--runner", runner, "--project=local-project"])
with beam.Pipeline(options=options) as p:
    lines = p | beam.Create([f"line {number}" for number in range(100)])
    lines | beam.io.WriteToText(f"gs://{bucket}/text/out", file_name_suffix=".txt", num_shards=3)
    lines | fileio.WriteToFiles(
        path=f"gs://{bucket}/files",
        shards=2,
        file_naming=fileio.default_file_naming("part", ".txt"),
    )
with beam.Pipeline(options=options) as p:
    read = p | beam.io.ReadFromText(f"gs://{bucket}/text/out*")
    read | beam.combiners.Count.Globally() | beam.io.WriteToText(
        f"gs://{bucket}/count", shard_name_template=""
    )
"""


@pytest.mark.timeout(600)  # each run of Beam imports all of it
@pytest.mark.parametrize("runner", ["BundleBasedDirectRunner", "FnApiRunner"])
def test_beams_own_sinks_finish(runner: str, tmp_path: Path) -> None:
    emulator = StorageEmulator(data_dir=tmp_path / "data")
    emulator.start()
    endpoint = emulator.env()["STORAGE_EMULATOR_HOST"]
    client = storage.Client(
        project="local-project",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": endpoint},
    )
    try:
        bucket = client.create_bucket(f"beam-{uuid.uuid4().hex[:12]}")
        script = tmp_path / "job.py"
        script.write_text(PIPELINE)
        ran = subprocess.run(
            [sys.executable, str(script), runner, bucket.name],
            env=_environ(tmp_path, endpoint),
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr[-3000:]
        blobs = {blob.name: blob.download_as_text() for blob in bucket.list_blobs()}
        expected = sorted(f"line {number}" for number in range(100))
        for folder in ("text/out-", "files/part-"):
            mine = [text for name, text in blobs.items() if name.startswith(folder)]
            assert sorted(line for text in mine for line in text.splitlines()) == expected
        assert blobs["count"] == "100\n"
        # Nothing temporary is left.
        known = ("text/out-", "files/part-", "count")
        assert not [name for name in blobs if not name.startswith(known)]
    finally:
        client.close()
        emulator.stop()


def _environ(folder: Path, endpoint: str) -> dict[str, str]:
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps(CREDENTIALS))
    return {
        **os.environ,
        "STORAGE_EMULATOR_HOST": endpoint,
        "GOOGLE_APPLICATION_CREDENTIALS": str(credentials),
        "NO_GCE_CHECK": "true",
    }
