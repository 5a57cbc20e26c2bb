from __future__ import annotations

import sys

import pytest

from tests.surface.introspect import covers, public, uncovered


class Base:
    constant = 1

    def inherited(self) -> None:
        """Of the base."""


class Shop(Base):
    @property
    def name(self) -> str:
        return "shop"

    def open(self, door: str = "front") -> str:
        return door

    def _private(self) -> None:
        """Nobody's business."""


@covers(Base, "inherited")
@covers(Shop, "name", "open", "constant")
def test_a_class_shows_what_is_public() -> None:
    shop = Shop()
    assert (shop.name, shop.open(), getattr(shop, "constant")) == ("shop", "front", 1)  # noqa: B009
    shop.inherited()
    assert public(Shop) == {"constant", "inherited", "name", "open"}


def test_a_module_shows_what_it_exports() -> None:
    assert {"covers", "public", "uncovered"} <= public(sys.modules["tests.surface.introspect"])


def test_a_case_of_a_base_is_one_of_its_heirs_but_not_the_other_way() -> None:
    assert uncovered(Shop, "tests.surface") == []
    assert uncovered(Base, "tests.surface") == ["constant"]


def test_a_mark_must_be_true() -> None:
    with pytest.raises(LookupError, match="Shop has no opne"):
        covers(Shop, "opne")
    with pytest.raises(LookupError, match="idle does not use open"):

        @covers(Shop, "open")
        def idle() -> None:
            """A case in name only."""
