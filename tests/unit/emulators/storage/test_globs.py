from __future__ import annotations

import pytest

from localgcp.storage.domain import globs
from localgcp.storage.errors import Invalid

NAMES = ["a", "a/b", "a/b/c", "ab", "a.b", "b/a", "a]", "a\nb"]


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("*", ["a", "ab", "a.b", "a]", "a\nb"]),
        ("**", NAMES),
        ("a/*", ["a/b"]),
        ("a/**", ["a/b", "a/b/c"]),
        ("a**b", ["a/b", "ab", "a.b", "a\nb"]),
        ("**/a", ["a", "b/a"]),
        ("**/b/*", ["a/b/c", "b/a"]),
        ("a?b", ["a.b", "a\nb"]),
        ("a[.x]b", ["a.b"]),
        ("a[!.]b", ["a\nb"]),
        ("a[]]", ["a]"]),
        ("{a,b}/{a,b}", ["a/b", "b/a"]),
        ("a.b", ["a.b"]),
        ("a{,/b}", ["a", "a/b"]),
        (r"a\]", ["a]"]),
    ],
)
def test_a_glob_matches_whole_names(glob: str, names: list[str]) -> None:
    pattern = globs.compiled(glob)
    assert [name for name in NAMES if pattern.fullmatch(name)] == names


@pytest.mark.parametrize("glob", ["{a", "{a,{b}}", "a[b-a]", "{a,b}" * 11])
def test_a_bad_glob_is_named(glob: str) -> None:
    with pytest.raises(Invalid, match="Invalid value for matchGlob"):
        globs.compiled(glob)
