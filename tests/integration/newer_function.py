"""The table manager of the newer release, for functions-framework to serve."""

from __future__ import annotations

from event_types import registry
from tests.integration.newer import EVENT_TYPES

registry.ALL = EVENT_TYPES

from services.table_manager.main import manage_table  # noqa: E402, F401  (it reads the registry)
