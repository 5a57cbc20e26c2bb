"""A case: one thing that is asked of a Pub/Sub, and what the documentation says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from google.api_core import exceptions

from tests.parity.place import Place


@dataclass(frozen=True)
class Case:
    """`documented` is what `ask` gives where the page called `page` is right."""

    name: str
    documented: str
    page: str
    ask: Callable[[Place], str]

    def at(self, place: Place) -> str:
        """What is seen there: an answer, or the status of a call that failed."""
        try:
            return self.ask(place)
        except exceptions.GoogleAPICallError as error:
            return str(error.grpc_status_code.name if error.grpc_status_code else error.code)


ALL: list[Case] = []


def case(name: str, documented: str, page: str) -> Callable[[Callable[[Place], str]], Case]:
    """Makes a case of a function, and lists it."""

    def made(ask: Callable[[Place], str]) -> Case:
        ALL.append(Case(name, documented, page, ask))
        return ALL[-1]

    return made
