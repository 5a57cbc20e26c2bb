"""Message transforms of topics and subscriptions, through the official clients."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions

from tests.emulators.pubsub.conftest import Clients
from tests.surface.pubsub.refusals import refused
from tests.surface.pubsub.streams import streaming


def udf(body: str, name: str = "f") -> dict[str, Any]:
    code = f"function {name}(message, metadata) {{ {body} }}"
    return {"javascript_udf": {"function_name": name, "code": code}}


def test_a_stream_gets_what_the_transforms_leave(clients: Clients) -> None:
    redact = """
      const order = JSON.parse(message.data);
      if (order.test) return null;
      delete order.card;
      return {data: JSON.stringify(order), attributes: {...message.attributes, redacted: "yes"}};
    """
    topic = clients.topic(
        message_transforms=[udf("message.attributes.seen = '1'; return message;")]
    )
    name = clients.subscription(topic, message_transforms=[udf(redact)])
    clients.publish(topic, b'{"id": 1, "test": true}', b'{"id": 2, "card": "4111"}', kind="order")
    with streaming(clients, name) as stream:
        message = stream.take()
        message.ack()
    assert message.data == b'{"id":2}'
    assert dict(message.attributes) == {"kind": "order", "seen": "1", "redacted": "yes"}
    shown = clients.subscriber.get_subscription(subscription=name)
    assert shown.message_transforms[0].javascript_udf.function_name == "f"


def test_a_publish_that_a_transform_fails_on_is_told(clients: Clients) -> None:
    topic = clients.topic(message_transforms=[udf("throw new Error('no such order');")])
    with pytest.raises(exceptions.InvalidArgument, match="f: Error: no such order"):
        clients.publish(topic, b"a")
    disabled = udf("throw 1;") | {"disabled": True}
    clients.publisher.update_topic(
        topic={"name": topic, "message_transforms": [disabled]},
        update_mask={"paths": ["message_transforms"]},
    )
    assert clients.publish(topic, b"a")


def test_transforms_that_cannot_be(clients: Clients) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="no function g"):
        clients.topic(message_transforms=[{"javascript_udf": {"function_name": "g", "code": ""}}])
    with refused("MessageTransform.ai_inference"):
        clients.topic(message_transforms=[{"ai_inference": {"endpoint": "e"}}])
