"""BigQuery subscriptions: messages become rows of a table, by insertAll over the wire.

Page "BigQuery subscriptions". A message is acked once its row was taken, and is sent with its id as
the insertId, so that one sent again is no second row for a minute or so.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from localgcp.pubsub.domain.broker import Broker
from localgcp.pubsub.domain.config import BigQueryConfig
from localgcp.pubsub.domain.destinations import State, table_path
from localgcp.pubsub.domain.leases import Entry
from localgcp.pubsub.domain.subscription import Subscription
from localgcp.pubsub.errors import Mismatch
from localgcp.pubsub.wire.bigquery_rows import Rows, columns_of
from localgcp.pubsub.wire.consumer import Consumer
from localgcp.pubsub.wire.http_post import Answer, Poster
from localgcp.pubsub.wire.settling import Settling

MAX_IN_FLIGHT = 1000
LOOK_EVERY_S = 5.0
"""How often a table that was not there, or did not fit, is looked at again."""

_JSON = {"Content-Type": "application/json"}


class BigQueryExport:
    """Writes the messages of one subscription to its table at `base`, http://HOST:PORT."""

    def __init__(
        self, broker: Broker, subscription: Subscription, poster: Poster, base: str
    ) -> None:
        config = subscription.config.bigquery_config
        assert config is not None
        self._config: BigQueryConfig = config
        self._broker, self._subscription, self._poster = broker, subscription, poster
        self._url = f"{base}/bigquery/v2/{table_path(config)}"
        self._consumer = Consumer(subscription, broker.clock, max_messages=MAX_IN_FLIGHT)
        self._settling = Settling(broker, subscription)
        self._rows: Rows | None = None

    async def run(self) -> None:
        """Write until it is cancelled. Raises NotFound, WrongState once there is no more to."""
        while True:
            if self._rows is None:
                self._rows = await self._look()
            try:
                async with asyncio.timeout(LOOK_EVERY_S if self._rows is None else None):
                    batch = await self._consumer.batch()
            except TimeoutError:
                continue
            await self._write(batch)

    async def _look(self) -> Rows | None:
        """The table as it is now; None where it can't be written to, and the state says why."""
        answer = await self._poster.answer("GET", self._url, headers=_JSON)
        if answer.code != 200:
            self._settling.refused(answer)
            return None
        columns = columns_of(_body(answer).get("schema", {}).get("fields", []))
        rows = Rows(self._subscription.name, self._config, columns, self._broker.schemas)
        if lacking := rows.lacking():
            why = f"{self._config.table} has no column {', '.join(lacking)}"
            self._settling.state(State.SCHEMA_MISMATCH, why)
            return None
        self._settling.state(State.ACTIVE)
        return rows

    async def _write(self, batch: list[Entry]) -> None:
        ack_ids = [entry.ack_id for entry in batch]
        if self._rows is None:
            self._settling.failed(ack_ids, self._subscription.destination.name)
            return
        rows, sent, failed = [], [], {}
        for entry, ack_id in zip(batch, ack_ids, strict=True):
            try:
                row = self._rows.row(entry.shown)
            except Mismatch as error:
                failed[ack_id] = str(error)
                continue
            rows.append({"insertId": str(entry.message.id), "json": row})
            sent.append(ack_id)
        if rows:
            failed |= await self._insert(rows, sent)
        await self._settling.written([each for each in sent if each not in failed])
        self._settling.failed(list(failed), next(iter(failed.values()), ""))

    async def _insert(self, rows: list[dict[str, Any]], ack_ids: list[str]) -> dict[str, str]:
        """Send rows; return why each was not taken, by its ack id."""
        body = {
            "rows": rows,
            "skipInvalidRows": True,
            "ignoreUnknownValues": self._config.drop_unknown_fields,
        }
        raw = json.dumps(body).encode()
        answer = await self._poster.answer("POST", f"{self._url}/insertAll", raw, _JSON)
        if answer.code != 200:
            self._settling.refused(answer)
            self._rows = None
            return dict.fromkeys(ack_ids, f"the answer was {answer.code}")
        errors = _body(answer).get("insertErrors", [])
        if errors:
            self._rows = None  # the table may have changed
        return {ack_ids[each["index"]]: _why(each) for each in errors}


def _body(answer: Answer) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(answer.body or b"{}")
    return read


def _why(error: dict[str, Any]) -> str:
    return "; ".join(f"{each.get('location')}: {each['message']}" for each in error["errors"])
