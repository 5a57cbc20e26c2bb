"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCALGCP = "emulators/src/localgcp"
PACKAGES = ("event_types", "services", "pipeline", LOCALGCP, "local", "bench")
NUMBERS = {
    "event_types": "0",
    "services/generator": "1",
    "services/table_manager": "2",
    "pipeline": "3",
}
MOST_LINES, MOST_FUNCTION_LINES = 320, 45


def modules(folder: str) -> Iterator[Path]:
    return (path for path in sorted((ROOT / folder).rglob("*.py")) if path.read_text().strip())


ALL = [path for package in PACKAGES for path in modules(package)]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_tree_is_what_these_rules_speak_of() -> None:
    assert len(ALL) > 50


@pytest.mark.parametrize(
    ("number", "path"),
    [(number, path) for folder, number in NUMBERS.items() for path in modules(folder)],
    ids=lambda each: name(each) if isinstance(each, Path) else each,
)
def test_a_numbered_module_says_its_place_first(number: str, path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring is not None
    assert docstring.startswith(f"{number} · ")


@pytest.mark.parametrize("path", ALL, ids=name)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MOST_FUNCTION_LINES, f"{node.name}: {lines} lines"


def test_settings_imports_nothing_of_ours() -> None:
    """import-linter knows packages only, and settings is one file."""
    for node in ast.walk(ast.parse((ROOT / "settings.py").read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            assert (module or "").split(".")[0] not in {*PACKAGES, "localgcp"}


@pytest.mark.parametrize(
    "path", [path for path in ALL if name(path) != f"{LOCALGCP}/environment.py"], ids=name
)
def test_only_one_module_reads_the_environment(path: Path) -> None:
    assert not any(
        isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        for node in ast.walk(ast.parse(path.read_text()))
    )


@pytest.mark.parametrize(
    "path", [path for folder in ("services", "pipeline") for path in modules(folder)], ids=name
)
def test_what_is_deployed_does_not_know_of_emulators(path: Path) -> None:
    tree = ast.parse(path.read_text())
    words = {
        node.id.lower() if isinstance(node, ast.Name) else node.attr.lower()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }
    texts = {text.lower() for text in texts_of(tree)}
    assert not {word for word in words | texts if "emulator" in word}
    # Nor does it guess where it is by an address, or by the project's name.
    places = ("localhost", "127.0.0.1", "local-project", "k_service", "k_revision")
    assert not {text for text in texts if any(place in text for place in places)}


def texts_of(tree: ast.AST) -> Iterator[str]:
    """Every string that the code may use; docstrings are not."""
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.value


@pytest.mark.parametrize("emulator", ["pubsub", "bigquery", "storage", "console"])
def test_every_emulator_has_the_same_files(emulator: str) -> None:
    found = {path.name for path in (ROOT / LOCALGCP / emulator).iterdir()}
    assert {"__init__.py", "emulator.py", "server.py", "errors.py"} <= found


# Two engines stand behind one runner (ADR 17); a record is Avro's word, and the journal's.
TWICE = {("beam", "Task"), ("pubsub", "Record")}


def part(path: Path) -> str:
    """An emulator, the runner, what they share, or a package of the application."""
    folders = path.relative_to(ROOT).parts
    if not name(path).startswith(LOCALGCP):
        return folders[0]
    return folders[3] if len(folders) > 4 else "localgcp"


def test_a_class_name_means_one_thing_within_a_part() -> None:
    """docs/glossary.md: whoever reads a part meets each name once."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in ALL:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault((part(path), node.name), []).append(name(path))
    twice = {key: paths for key, paths in found.items() if len(paths) > 1}
    assert {key for key in twice if key[0] != "bench"} == TWICE, twice


def test_the_domain_of_pubsub_is_typed() -> None:
    """Protos end at the wire, and what is behind it says of every value what it is."""
    for path in modules(f"{LOCALGCP}/pubsub/domain"):
        names = {
            each.id for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Name)
        }
        assert "Any" not in names, name(path)


def test_a_docstring_says_first_what_is_done() -> None:
    """What can go wrong comes after it."""
    for path in ALL:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                said = ast.get_docstring(node) or ""
                assert not said.startswith("Raises"), f"{name(path)}: {node.name}"
