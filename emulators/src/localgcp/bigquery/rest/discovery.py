"""The discovery document that `bq` asks for first, pointed at the emulator."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

_DOCUMENT = "discovery_cache/documents/bigquery.v2.json"


class DiscoveryMissing(Exception):
    """google-api-python-client, which ships the document, is not installed."""

    def __init__(self) -> None:
        super().__init__(f"googleapiclient/{_DOCUMENT} is not installed")


def document(base_url: str) -> dict[str, Any]:
    """BigQuery v2's discovery document with `base_url` (http://host:port/) as its root."""
    spec = importlib.util.find_spec("googleapiclient")
    if spec is None or not spec.submodule_search_locations:
        raise DiscoveryMissing
    path = Path(spec.submodule_search_locations[0]) / _DOCUMENT
    found: dict[str, Any] = json.loads(path.read_text())
    found.update(
        rootUrl=base_url,
        servicePath="bigquery/v2/",
        baseUrl=f"{base_url}bigquery/v2/",
        batchPath="batch/bigquery/v2",
    )
    found.pop("mtlsRootUrl", None)
    return found
