"""2 · Why a table can't be made or changed."""

from __future__ import annotations

from collections.abc import Sequence


class TableError(Exception):
    """Base of what this service itself finds wrong; the client's own errors are the client's."""


class DatasetNotFound(TableError):
    """The dataset is not there; it is not this service's to make."""

    def __init__(self, dataset: str) -> None:
        super().__init__(f"dataset {dataset} does not exist")


class TooManyRaces(TableError):
    """Others changed the table each time it was about to be changed here."""

    def __init__(self, table: str, times: int) -> None:
        super().__init__(f"table {table} was changed by others {times} times in a row")


class IncompatibleTable(TableError):
    """The table can't take the events, and can't be changed so that it does."""

    def __init__(self, table: str, differences: Sequence[str]) -> None:
        self.table, self.differences = table, tuple(differences)
        super().__init__(f"table {table} can't take its events: {'; '.join(differences)}")
