"""The picture of the layers in docs/architecture.md is what the code's imports draw."""

from __future__ import annotations

from scripts import layers


def test_the_picture_is_of_this_tree() -> None:
    drawn = layers.draw(layers.arrows())
    kept = (layers.ROOT / "docs" / "layers.svg").read_text()
    assert drawn == kept, "stale: python scripts/layers.py > docs/layers.svg"


def test_it_sees_early_and_late_imports() -> None:
    found = layers.arrows()
    assert found["local", "settings"] is False
    assert found["pipeline", "localgcp.beam"] is True


def test_a_box_stands_above_all_that_it_imports() -> None:
    found = layers.arrows()
    floor = {part: level for level, row in layers.floors(found).items() for part in row}
    assert all(floor[upper] > floor[lower] for (upper, lower), late in found.items() if not late)
