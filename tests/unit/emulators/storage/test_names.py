from __future__ import annotations

import pytest

from localgcp.storage.domain import names
from localgcp.storage.errors import Invalid


@pytest.mark.parametrize(
    "name",
    [
        *("abc", "a-b_c.d", "0ab9", "a" * 63, "local-project-dev-raw-events"),
        ".".join(["a" * 55] * 4)[:222].rstrip("."),
    ],
)
def test_a_bucket_may_be_called(name: str) -> None:
    assert names.bucket(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "ab", "a" * 64, "Abc", "-abc", "abc-", "a..b", "a b", "a/b", "..", ".", "../a"),
        *("192.168.5.4", "goog-mine", "my-google-things", "g00gle", "_abc", "a\n", None, 7),
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 4),
    ],
)
def test_a_bucket_may_not_be_called(name: object) -> None:
    with pytest.raises(Invalid, match="Invalid value for bucket"):
        names.bucket(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a",
            "a/b/c.txt",
            "...",
            "a..b",
            "..a/b..",
            ".hidden/x",
            "größe/日本",
            "a\tb",
            "a\\..\\b",
        ),
        "/".join(["a" * 200] * 5),
        "%2e%2e%2fa",  # these very letters, once decoded: a file of that name, in the bucket
        *("../a", "a/../../../etc/passwd", "./a", "a/.", "/a", "a/", "a//b", "/", "a\0b"),
        *("x" * 1024, "a.metadata", "a.metadata/b"),
    ],
)
def test_an_object_may_be_called(name: str) -> None:
    assert names.object_(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "a\r", "a\nb", "x" * 1025, "é" * 513, "\ud800", None, 7),
        ".well-known/acme-challenge/x",
    ],
)
def test_cloud_storage_has_no_object_called(name: object) -> None:
    with pytest.raises(Invalid, match="Invalid value for name"):
        names.object_(name)
