"""A small cloud for one test session: its emulators, and the environment that leads to them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from localgcp import clients, environment, tunnel
from localgcp.testing.backends import SERVICES, Backend, Here

PROJECT_ID = "test-project"
SetEnv = Callable[[str, str], None]


class Cloud:
    """Starts each service when it is first needed, and leads the official clients there."""

    project_id = PROJECT_ID

    def __init__(self, backend: Backend, folder: Path, set_env: SetEnv) -> None:
        """`set_env(name, value)` changes the environment for as long as the session lasts."""
        self._backend, self._folder, self._set_env = backend, folder, set_env
        self._addresses: dict[str, str] = {}
        clients.write(folder / "credentials.json", json.dumps(clients.CREDENTIALS))
        set_env("GOOGLE_APPLICATION_CREDENTIALS", str(folder / "credentials.json"))
        set_env("GOOGLE_CLOUD_PROJECT", PROJECT_ID)

    def need(self, *services: str) -> None:
        """Make sure that they serve. Raises Unavailable, InvalidVariable, EmulatorError."""
        for service in services:
            if service not in self._addresses:
                address = self._addresses[service] = self._backend.start(service)
                led = getattr(environment, service)(address)
                if service == "bigquery":  # its Storage APIs' clients go there too, or nowhere
                    led |= tunnel.led_by_asking(address, self._folder)
                for name, value in led.items():
                    self._set_env(name, value)

    def environ(self, project: str = PROJECT_ID) -> dict[str, str]:
        """What leads a process of its own to every service, gcloud and bq too: starts them."""
        self.need(*SERVICES)
        clients.write_files(self._folder, self._addresses["bigquery"], project)
        led = clients.environ(self._folder, self._addresses, project)
        led |= tunnel.led_by_asking(self._addresses["bigquery"], self._folder)
        return led | clients.tools(self._folder, project)

    def address(self, service: str) -> str:
        """Where a service listens, as HOST:PORT; starts it."""
        self.need(service)
        return self._addresses[service]

    def here(self) -> Here:
        """How the services reach a server that a test starts. Raises Unavailable."""
        return self._backend.here()

    @contextmanager
    def topic(self) -> Iterator[str]:
        """A new topic's full name; gone afterwards, its subscriptions too."""
        self.need("pubsub")
        from google.cloud import pubsub_v1

        name = f"projects/{PROJECT_ID}/topics/{_unique('-')}"
        publisher = pubsub_v1.PublisherClient()
        publisher.create_topic(name=name)
        try:
            yield name
        finally:
            with pubsub_v1.SubscriberClient() as subscriber:
                for each in publisher.list_topic_subscriptions(topic=name):
                    subscriber.delete_subscription(subscription=each)
            publisher.delete_topic(topic=name)
            publisher.transport.close()

    @contextmanager
    def dataset(self) -> Iterator[str]:
        """A new dataset, as PROJECT.DATASET; gone afterwards, its tables too."""
        self.need("bigquery")
        from google.cloud import bigquery

        name = f"{PROJECT_ID}.{_unique('_')}"
        client = bigquery.Client(project=PROJECT_ID)
        client.create_dataset(name)
        try:
            yield name
        finally:
            client.delete_dataset(name, delete_contents=True, not_found_ok=True)
            client.close()

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """A new bucket's name; gone afterwards, its objects too."""
        self.need("storage")
        from google.cloud import storage

        client = storage.Client(project=PROJECT_ID)
        bucket = client.create_bucket(_unique("-"))
        try:
            yield bucket.name
        finally:
            for blob in client.list_blobs(bucket):
                blob.delete()
            bucket.delete()
            client.close()


def _unique(joint: str) -> str:
    return f"test{joint}{uuid4().hex[:12]}"
