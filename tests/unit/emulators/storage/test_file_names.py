from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localgcp.storage.disk.file_names import MAX_PART, folder_of, name_of, path_of

NAMES = st.text(alphabet=st.sampled_from("./a\\%+-=2E\0é"), min_size=1, max_size=40) | st.builds(
    "{}{}".format, st.text(min_size=1, max_size=5), st.sampled_from(["x" * 700, "é" * 500])
)


@pytest.mark.parametrize("name", ["a", "a/b.txt", "..a/b..", ".hidden/x", "a%=b", "größe/日本"])
def test_most_names_are_their_files_own(name: str) -> None:
    assert path_of(name) == name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/", "a/%="),
        ("a//b", "a/%-/b"),
        ("/a", "%-/a"),
        ("../a", "%-%2E%2E/a"),
        ("a.metadata", "%=a%2Emetadata"),
        ("%=", "%=%25%3D"),
        ("x" * 500, "/".join(["%+" + "x" * 200, "%+" + "x" * 200, "%=" + "x" * 100])),
    ],
)
def test_a_part_that_no_file_can_be_called_by_is_written_otherwise(name: str, path: str) -> None:
    assert path_of(name) == path


@given(NAMES)
def test_every_name_comes_back(name: str) -> None:
    assert name_of(path_of(name)) == name


@given(NAMES)
def test_no_path_leaves_its_folder_or_is_the_binarys_own(name: str) -> None:
    for part in path_of(name).split("/"):
        assert part not in ("", ".", "..")
        assert "\0" not in part
        assert not part.endswith(".metadata")
        assert len(part.encode()) <= MAX_PART


@given(NAMES, NAMES)
def test_two_names_are_never_one_file(one: str, other: str) -> None:
    assert (path_of(one) == path_of(other)) is (one == other)


@given(NAMES, st.integers(0, 60))
def test_a_prefixes_folder_holds_all_that_begin_so(name: str, length: int) -> None:
    assert path_of(name).startswith(folder_of(name[:length]))
