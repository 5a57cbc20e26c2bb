"""All cases: the modules that hold them are imported here."""

from __future__ import annotations

from tests.parity import delivery, resources
from tests.parity.case import ALL, Case

MODULES = (delivery, resources)

__all__ = ["ALL", "MODULES", "Case"]
