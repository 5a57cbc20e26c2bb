"""What all three clients have in common: how one is made, where it leads, names, access."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google import pubsub_v1 as gapic
from google.api_core import exceptions
from google.cloud.pubsub_v1 import PublisherClient, SchemaServiceClient, SubscriberClient

from tests.emulators.pubsub.conftest import PROJECT, Clients
from tests.emulators.pubsub.processes import EmulatorProcess
from tests.surface.introspect import covers

CLIENTS = [PublisherClient, SubscriberClient, SchemaServiceClient]
ASYNC_CLIENTS = [
    gapic.PublisherAsyncClient,
    gapic.SubscriberAsyncClient,
    gapic.SchemaServiceAsyncClient,
]
COMMON_PATHS = {
    "billing_account": ("B", "billingAccounts/B"),
    "folder": ("F", "folders/F"),
    "organization": ("O", "organizations/O"),
    "project": ("P", "projects/P"),
}


Case = TypeVar("Case", bound=Callable[..., object])


def everywhere(*names: str) -> Callable[[Case], Case]:
    """Mark a case as that of these names of all clients, async ones too, where they have them."""

    def mark(case: Case) -> Case:
        for owner in (*CLIENTS, *ASYNC_CLIENTS):
            covers(owner, *(name for name in names if hasattr(owner, name)))(case)
        return case

    return mark


@pytest.fixture(params=[*CLIENTS, *ASYNC_CLIENTS], ids=lambda cls: cls.__name__)
def cls(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """A service account's key, as it is downloaded, for an account that does not exist."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path = tmp_path / "key.json"
    account = {"client_email": "a@demo-project.iam.gserviceaccount.com", "private_key": pem}
    path.write_text(json.dumps(account | {"token_uri": "http://127.0.0.1:9/never"}))
    return path


async def in_a_loop(make: Any, classes: list[Any]) -> None:
    """Async clients are made where a loop runs."""
    for cls in classes:
        async with make(cls) as client:
            assert isinstance(client, cls)


@everywhere("from_service_account_file", "from_service_account_info", "from_service_account_json")
def test_a_client_with_a_key_comes_to_the_emulator_too(clients: Clients, key_file: Path) -> None:
    info = json.loads(key_file.read_text())
    project = f"projects/{PROJECT}"
    makers: list[Callable[[Any], Any]] = [
        lambda cls: cls.from_service_account_file(str(key_file)),
        lambda cls: cls.from_service_account_json(str(key_file)),
        lambda cls: cls.from_service_account_info(info),
    ]
    for make in makers:
        topic = clients.topic()
        publisher = make(PublisherClient)
        assert publisher.get_topic(topic=topic).name == topic
        publisher.transport.close()
        with make(SubscriberClient) as subscriber:
            assert subscriber.list_snapshots(project=project).snapshots == []
        with make(SchemaServiceClient) as schemas:
            assert list(schemas.list_schemas(parent="projects/without-any")) == []
        asyncio.run(in_a_loop(make, ASYNC_CLIENTS))


@everywhere(
    "DEFAULT_ENDPOINT",
    "DEFAULT_MTLS_ENDPOINT",
    "SERVICE_ADDRESS",
    "api_endpoint",
    "get_mtls_endpoint_and_cert_source",
    "transport",
    "universe_domain",
)
def test_where_a_client_leads(emulator: EmulatorProcess, clients: Clients, cls: Any) -> None:
    assert cls.DEFAULT_ENDPOINT == "pubsub.googleapis.com"
    assert cls.DEFAULT_MTLS_ENDPOINT == "pubsub.mtls.googleapis.com"
    assert getattr(cls, "SERVICE_ADDRESS", "pubsub.googleapis.com:443").endswith(":443")

    async def look() -> None:
        client = cls()
        assert client.universe_domain == "googleapis.com"
        assert client.transport.kind == ("grpc" if cls in CLIENTS else "grpc_asyncio")
        address = emulator.env["PUBSUB_EMULATOR_HOST"]
        endpoint = address if cls in CLIENTS[:2] else cls.DEFAULT_ENDPOINT
        assert client.api_endpoint == endpoint
        closed = client.transport.close()
        if cls in ASYNC_CLIENTS:
            await closed

    asyncio.run(look())
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert cls.get_mtls_endpoint_and_cert_source() == (cls.DEFAULT_ENDPOINT, None)


@covers(gapic.PublisherAsyncClient, "get_transport_class")
@covers(gapic.SubscriberAsyncClient, "get_transport_class")
@covers(gapic.SchemaServiceAsyncClient, "get_transport_class")
def test_an_async_client_speaks_grpc() -> None:
    for cls in ASYNC_CLIENTS:
        assert cls.get_transport_class("grpc_asyncio").__name__.endswith("GrpcAsyncIOTransport")


@everywhere(
    *(f"common_{kind}_path" for kind in COMMON_PATHS),
    *(f"parse_common_{kind}_path" for kind in COMMON_PATHS),
    "common_location_path",
    "parse_common_location_path",
)
def test_names_of_what_all_services_share(cls: Any) -> None:
    assert (
        cls.common_billing_account_path("B"),
        cls.common_folder_path("F"),
        cls.common_organization_path("O"),
        cls.common_project_path("P"),
        cls.common_location_path("P", "L"),
    ) == tuple([path for _, path in COMMON_PATHS.values()] + ["projects/P/locations/L"])
    assert cls.parse_common_billing_account_path("billingAccounts/B") == {"billing_account": "B"}
    assert cls.parse_common_folder_path("folders/F") == {"folder": "F"}
    assert cls.parse_common_organization_path("organizations/O") == {"organization": "O"}
    assert cls.parse_common_project_path("projects/P") == {"project": "P"}
    location = {"project": "P", "location": "L"}
    assert cls.parse_common_location_path("projects/P/locations/L") == location


@covers(PublisherClient, "crypto_key_path", "parse_crypto_key_path")
@covers(PublisherClient, "schema_path", "parse_schema_path")
@covers(PublisherClient, "snapshot_path", "parse_snapshot_path")
@covers(PublisherClient, "subscription_path", "parse_subscription_path")
@covers(PublisherClient, "topic_path", "parse_topic_path")
@covers(gapic.PublisherAsyncClient, "crypto_key_path", "parse_crypto_key_path")
@covers(gapic.PublisherAsyncClient, "schema_path", "parse_schema_path")
@covers(gapic.PublisherAsyncClient, "snapshot_path", "parse_snapshot_path")
@covers(gapic.PublisherAsyncClient, "subscription_path", "parse_subscription_path")
@covers(gapic.PublisherAsyncClient, "topic_path", "parse_topic_path")
@covers(SubscriberClient, "listing_path", "parse_listing_path")
@covers(SubscriberClient, "snapshot_path", "parse_snapshot_path")
@covers(SubscriberClient, "subscription_path", "parse_subscription_path")
@covers(SubscriberClient, "topic_path", "parse_topic_path")
@covers(gapic.SubscriberAsyncClient, "listing_path", "parse_listing_path")
@covers(gapic.SubscriberAsyncClient, "snapshot_path", "parse_snapshot_path")
@covers(gapic.SubscriberAsyncClient, "subscription_path", "parse_subscription_path")
@covers(gapic.SubscriberAsyncClient, "topic_path", "parse_topic_path")
@covers(SchemaServiceClient, "schema_path", "parse_schema_path")
@covers(gapic.SchemaServiceAsyncClient, "schema_path", "parse_schema_path")
def test_names_are_put_together_and_taken_apart() -> None:
    key = "projects/P/locations/L/keyRings/R/cryptoKeys/K"
    listing = "projects/P/locations/L/dataExchanges/D/listings/I"
    for cls in (PublisherClient, gapic.PublisherAsyncClient):
        assert cls.crypto_key_path("P", "L", "R", "K") == key
        assert cls.parse_crypto_key_path(key)["crypto_key"] == "K"
    for cls in (SubscriberClient, gapic.SubscriberAsyncClient):
        assert cls.listing_path("P", "L", "D", "I") == listing
        assert cls.parse_listing_path(listing)["listing"] == "I"
    publishers = (PublisherClient, gapic.PublisherAsyncClient)
    schemas = (SchemaServiceClient, gapic.SchemaServiceAsyncClient)
    for cls in (*publishers, *schemas):
        assert cls.schema_path("P", "X") == "projects/P/schemas/X"
        assert cls.parse_schema_path("projects/P/schemas/X") == {"project": "P", "schema": "X"}
    for cls in (*publishers, SubscriberClient, gapic.SubscriberAsyncClient):
        assert cls.snapshot_path("P", "X") == "projects/P/snapshots/X"
        assert cls.parse_snapshot_path("projects/P/snapshots/X")["snapshot"] == "X"
        assert cls.subscription_path("P", "X") == "projects/P/subscriptions/X"
        assert cls.parse_subscription_path("projects/P/subscriptions/X")["subscription"] == "X"
        assert cls.topic_path("P", "X") == "projects/P/topics/X"
        assert cls.parse_topic_path("projects/P/topics/X") == {"project": "P", "topic": "X"}


@covers(PublisherClient, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
@covers(SubscriberClient, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
@covers(SchemaServiceClient, "get_iam_policy", "set_iam_policy", "test_iam_permissions")
def test_policies(clients: Clients) -> None:
    topic = clients.topic()
    schemas = SchemaServiceClient()
    granted = {"role": "roles/pubsub.viewer", "members": ["domain:example.com"]}
    for client in (clients.publisher, clients.subscriber, schemas):
        before = client.get_iam_policy(request={"resource": topic})
        changed = {"bindings": [granted], "etag": before.etag}
        after = client.set_iam_policy(request={"resource": topic, "policy": changed})
        assert client.get_iam_policy(request={"resource": topic}) == after
        assert (after.bindings[0].role, after.etag != before.etag) == (granted["role"], True)
        with pytest.raises(exceptions.Aborted, match="concurrent policy changes"):
            client.set_iam_policy(request={"resource": topic, "policy": changed})
        asked = {"resource": topic, "permissions": ["pubsub.topics.publish"]}
        allowed = client.test_iam_permissions(request=asked)
        assert list(allowed.permissions) == asked["permissions"]
        missing = asked | {"resource": f"{topic}-missing"}
        assert not client.test_iam_permissions(request=missing).permissions
        with pytest.raises(exceptions.NotFound, match="missing"):
            client.get_iam_policy(request={"resource": f"{topic}-missing"})
        with pytest.raises(exceptions.InvalidArgument, match="resource=everything"):
            client.get_iam_policy(request={"resource": "everything"})
    schemas.transport.close()
