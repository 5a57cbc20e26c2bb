"""Waits for what the emulator's overview says of a subscription."""

from __future__ import annotations

import time

import httpx

from tests.emulators.pubsub.processes import EmulatorProcess


def until(emulator: EmulatorProcess, subscription: str, **wanted: int) -> None:
    """Return once the page says so. Raises AssertionError after 20 seconds."""
    end = time.monotonic() + 20
    while not wanted.items() <= (now := _row(emulator, subscription)).items():
        assert time.monotonic() < end, f"wanted {wanted}, found {now}"
        time.sleep(0.02)


def _row(emulator: EmulatorProcess, subscription: str) -> dict[str, int]:
    url = f"http://127.0.0.1:{emulator.port}/_emulator/subscriptions"
    rows = httpx.get(url, trust_env=False).json()["subscriptions"]
    [row] = [row for row in rows if row["name"] == subscription]
    return dict(row)
