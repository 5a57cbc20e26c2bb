"""Where Beam's own Google clients go: to the emulators that the environment names, never beyond.

Beam builds its BigQuery client (apitools) and its Storage Read client without an address, so no
variable reaches them, and its Cloud Storage client goes to Google where STORAGE_EMULATOR_HOST is
unset. Here each is led to its emulator, which the log tells once; and as soon as the environment
names any emulator, a client without one is refused before it asks anybody. Without emulators all is
as Beam has it. These are Beam's private names; tests/unit/emulators/beam/test_cloud.py holds them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, NoReturn
from urllib.parse import urlsplit

import apache_beam
import grpc
import httplib2
from apache_beam.io.gcp import bigquery, bigquery_change_history, bigquery_tools, gcsio
from apache_beam.io.gcp.internal.clients.bigquery import BigqueryV2
from google.cloud import bigquery_storage_v1
from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (
    BigQueryReadGrpcTransport,
)

from localgcp import environment
from localgcp.beam.errors import NeedsJava, NoEmulator

_HTTP_SECONDS = 60

log = logging.getLogger(__name__)


@cache
def lead() -> None:
    """From now on Beam's clients ask the environment where to go, in this process."""
    wrapper = bigquery_tools.BigQueryWrapper
    wrapper._bigquery_client = staticmethod(_bigquery(wrapper._bigquery_client))
    gcsio.create_storage_client = _storage(gcsio.create_storage_client)
    for module in (bigquery, bigquery_change_history):
        module.bq_storage = _StorageApi()
    write = bigquery.StorageWriteToBigQuery
    write.expand = _storage_write(write.expand)


def _bigquery(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make(options: Any) -> Any:
        endpoint = _endpoint("BigQuery", "BIGQUERY_EMULATOR_HOST", environment.bigquery_endpoint())
        if endpoint is None:
            return stock(options)
        return BigqueryV2(
            url=f"{endpoint.rstrip('/')}/bigquery/v2/",
            # Whatever proxy leads out of this machine, it does not lead back into it.
            http=httplib2.Http(proxy_info=None, timeout=_HTTP_SECONDS),
            get_credentials=False,
            response_encoding="utf8",
            additional_http_headers={"user-agent": f"apache-beam-{apache_beam.__version__}"},
        )

    return make


def _storage(stock: Callable[..., Any]) -> Callable[..., Any]:
    def make(*args: Any, **named: Any) -> Any:
        # The official client, which reads the variable itself.
        name = "STORAGE_EMULATOR_HOST"
        _endpoint("Cloud Storage", name, environment.storage_endpoint())
        return stock(*args, **named)

    return make


class _StorageApi:
    """The module of the Storage APIs' clients, its reader led."""

    def BigQueryReadClient(self) -> Any:  # noqa: N802 - the module's name for it
        name = "BIGQUERY_EMULATOR_HOST"
        endpoint = _endpoint("BigQuery", name, environment.bigquery_endpoint())
        if endpoint is None:
            return bigquery_storage_v1.BigQueryReadClient()
        channel = grpc.insecure_channel(urlsplit(endpoint).netloc, _CHANNEL)
        return bigquery_storage_v1.BigQueryReadClient(
            transport=BigQueryReadGrpcTransport(channel=channel)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(bigquery_storage_v1, name)


_CHANNEL = (("grpc.max_receive_message_length", -1), ("grpc.enable_http_proxy", 0))


def _storage_write(stock: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def expand(self: Any, rows: Any) -> Any:
        if environment.leads_somewhere():
            _refuse_java()
        return stock(self, rows)

    return expand


def _refuse_java() -> NoReturn:
    raise NeedsJava


def _endpoint(service: str, variable: str, endpoint: str | None) -> str | None:
    """Where to go; None for Google. Raises NoEmulator where that would leave the emulators."""
    if endpoint is not None:
        _tell(service, variable, endpoint)
    elif environment.leads_somewhere():
        raise NoEmulator(service, variable)
    return endpoint


@cache
def _tell(service: str, variable: str, endpoint: str) -> None:
    log.warning("Beam's own client of %s asks %s (%s)", service, endpoint, variable)
