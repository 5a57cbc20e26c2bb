"""The environment variables that lead clients to an emulator, known before it is started."""

from __future__ import annotations


def pubsub(address: str) -> dict[str, str]:
    """For the client libraries and for gcloud pubsub; `address` is HOST:PORT."""
    return {
        "PUBSUB_EMULATOR_HOST": address,
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB": f"http://{address}/",
    }


def storage(address: str) -> dict[str, str]:
    """For the client libraries and for gcloud storage."""
    return {
        "STORAGE_EMULATOR_HOST": f"http://{address}",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"http://{address}/storage/v1/",
    }


def bigquery(address: str) -> dict[str, str]:
    """For the client libraries; bq takes its address from a file that BIGQUERYRC names."""
    return {"BIGQUERY_EMULATOR_HOST": f"http://{address}"}
