"""Draws who imports whom, from the imports themselves: `scripts/layers.py > docs/layers.svg`.

A box stands above all that it imports at once. Late imports, inside functions, are drawn dashed.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = {
    "settings": "settings.py",
    "telemetry": "telemetry.py",
    "event_types": "event_types",
    "generator": "services/generator",
    "table_manager": "services/table_manager",
    "pipeline": "pipeline",
    "local": "local",
    "localgcp": "emulators/src/localgcp/*.py",
    **{
        f"localgcp.{name}": f"emulators/src/localgcp/{name}"
        for name in ("pubsub", "bigquery", "storage", "beam", "testing")
    },
}
PREFIXES = {"services.generator": "generator", "services.table_manager": "table_manager"}
WIDTH, BOX_WIDTH, BOX_HEIGHT, FLOOR = 960, 122, 34, 92

Arrows = dict[tuple[str, str], bool]
"""(importer, imported) -> whether only inside functions."""


def part_of(module: str) -> str | None:
    """The part that a module belongs to; None for what is not drawn."""
    for prefix, part in PREFIXES.items():
        if module == prefix or module.startswith(prefix + "."):
            return part
    found = [part for part in PARTS if module == part or module.startswith(part + ".")]
    return max(found, key=len, default=None)


def arrows() -> Arrows:
    """Every import between parts."""
    found: Arrows = {}
    for part, place in PARTS.items():
        for file in sorted(ROOT.glob(place if place.endswith(".py") else f"{place}/**/*.py")):
            for module, late in _imports(ast.parse(file.read_text())):
                target = part_of(module)
                if target and target != part:
                    found[part, target] = found.get((part, target), True) and late
    return found


def _imports(tree: ast.Module) -> list[tuple[str, bool]]:
    at_once = {id(node) for node in tree.body}
    names: list[tuple[str, bool]] = []
    for node in ast.walk(tree):
        late = id(node) not in at_once
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [(f"{node.module}.{each.name}", late) for each in node.names]
        elif isinstance(node, ast.Import):
            names += [(each.name, late) for each in node.names]
    return names


def floors(found: Arrows) -> dict[int, list[str]]:
    """The ground is 0; a part stands one above the highest that it imports at once."""
    below: dict[str, set[str]] = defaultdict(set)
    for (upper, lower), late in found.items():
        if not late:
            below[upper].add(lower)

    def floor(part: str) -> int:
        return 1 + max((floor(each) for each in below[part]), default=-1)

    house: dict[int, list[str]] = defaultdict(list)
    for part in PARTS:
        house[floor(part)].append(part)
    return house


def draw(found: Arrows) -> str:
    """The picture, as SVG that reads in light and dark."""
    house = floors(found)
    height = FLOOR * len(house)
    at = {
        part: (
            WIDTH * (2 * place + 1) // (2 * len(row)) - BOX_WIDTH // 2,
            height - FLOOR * (level + 1) + FLOOR // 3,
        )
        for level, row in house.items()
        for place, part in enumerate(row)
    }
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'aria-label="Which part imports which">',
        "<style>text{font:12px system-ui,sans-serif;text-anchor:middle;fill:#1f2937}"
        "rect{fill:#e8eefc;stroke:#5b7bd5}path{stroke:#7a869a;fill:none}"
        ".late{stroke-dasharray:4 3}</style>",
    ]
    for (upper, lower), late in sorted(found.items()):
        (x1, y1), (x2, y2) = at[upper], at[lower]
        start, end, bend = y1 + BOX_HEIGHT, y2, (y1 + BOX_HEIGHT + y2) // 2
        middle = BOX_WIDTH // 2
        kind = ' class="late"' if late else ""
        lines.append(
            f'<path{kind} d="M{x1 + middle} {start}C{x1 + middle} {bend} '
            f'{x2 + middle} {bend} {x2 + middle} {end}"/>'
        )
    for part, (x, y) in at.items():
        lines.append(f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>')
        lines.append(f'<text x="{x + BOX_WIDTH // 2}" y="{y + 22}">{part}</text>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    sys.stdout.write(draw(arrows()))
