"""Every way in by which a name can come, and what a page in a browser may see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from google.cloud import storage

from localgcp.storage.emulator import StorageEmulator

EVIL = "../../evil.txt"


@pytest.fixture(scope="module")
def http(emulator: StorageEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{emulator.host}:{emulator.port}") as made:
        yield made


def _quoted(name: str) -> str:
    return name.replace(".", "%2e").replace("/", "%2f")


def _multipart(http: httpx.Client, bucket: str, name: str, query: str = "") -> httpx.Response:
    body = f"--B\r\n\r\n{json.dumps({'name': name})}\r\n--B\r\n\r\nx\r\n--B--"
    return http.post(
        f"/upload/storage/v1/b/{bucket}/o?uploadType=multipart{query}",
        content=body,
        headers={"content-type": "multipart/related; boundary=B"},
    )


Door = Callable[[httpx.Client, str, str], httpx.Response]
UPLOAD = "/upload/storage/v1/b"
DOORS: dict[str, Door] = {
    "media": lambda http, b, n: http.post(
        f"{UPLOAD}/{b}/o?uploadType=media&name={_quoted(n)}", content="x"
    ),
    "media, a second name": lambda http, b, n: http.post(
        f"{UPLOAD}/{b}/o?uploadType=media&name={_quoted(n)}&name=good", content="x"
    ),
    "multipart": _multipart,
    "multipart, the query's name": lambda http, b, n: _multipart(
        http, b, "good", f"&name={_quoted(n)}"
    ),
    "resumable": lambda http, b, n: http.post(
        f"{UPLOAD}/{b}/o?uploadType=resumable", json={"name": n}
    ),
    "resumable, the query's name": lambda http, b, n: http.post(
        f"{UPLOAD}/{b}/o?uploadType=resumable&name={_quoted(n)}", json={"name": "good"}
    ),
    "apitools' path": lambda http, b, n: http.post(
        f"/resumable{UPLOAD}/{b}/o?uploadType=resumable", json={"name": n}
    ),
    "copy to": lambda http, b, n: http.post(
        f"/storage/v1/b/{b}/o/good/copyTo/b/{b}/o/{_quoted(n)}"
    ),
    "copy from": lambda http, b, n: http.post(
        f"/storage/v1/b/{b}/o/{_quoted(n)}/copyTo/b/{b}/o/other"
    ),
    "rewrite to": lambda http, b, n: http.post(
        f"/storage/v1/b/{b}/o/good/rewriteTo/b/{b}/o/{_quoted(n)}"
    ),
    "rewrite to a bucket": lambda http, b, n: http.post(
        f"/storage/v1/b/{b}/o/good/rewriteTo/b/%2e%2e/o/other"
    ),
    "move to": lambda http, b, n: http.post(f"/storage/v1/b/{b}/o/good/moveTo/o/{_quoted(n)}"),
    "compose to": lambda http, b, n: http.post(
        f"/storage/v1/b/{b}/o/{_quoted(n)}/compose", json={"sourceObjects": [{"name": "good"}]}
    ),
    "compose from": lambda http, b, n: http.post(
        f"/storage/v1/b/{b}/o/other/compose", json={"sourceObjects": [{"name": n}]}
    ),
    "get": lambda http, b, n: http.get(f"/storage/v1/b/{b}/o/{_quoted(n)}"),
    "read": lambda http, b, n: http.get(f"/storage/v1/b/{b}/o/{_quoted(n)}?alt=media"),
    "download": lambda http, b, n: http.get(f"/download/storage/v1/b/{b}/o/{_quoted(n)}"),
    "patch": lambda http, b, n: http.patch(f"/storage/v1/b/{b}/o/{_quoted(n)}", json={}),
    "delete": lambda http, b, n: http.delete(f"/storage/v1/b/{b}/o/{_quoted(n)}"),
    "XML write": lambda http, b, n: http.put(f"/{b}/{_quoted(n)}", content="x"),
    "XML read": lambda http, b, n: http.get(f"/{b}/{_quoted(n)}"),
    "XML delete": lambda http, b, n: http.delete(f"/{b}/{_quoted(n)}"),
    "a bucket's name": lambda http, b, n: http.post("/storage/v1/b", json={"name": n}),
    "a bucket in the path": lambda http, b, n: http.post(
        f"{UPLOAD}/%2e%2e/o?uploadType=media&name=x", content="x"
    ),
    "a bucket of no name": lambda http, b, n: http.delete("/storage/v1/b/%2e%2e"),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_leads_out_of_the_bucket(
    door: str, http: httpx.Client, bucket: storage.Bucket, data_dir: Path
) -> None:
    bucket.blob("good").upload_from_string("x")
    outside = _files_beside(data_dir, bucket.name)
    answer = DOORS[door](http, bucket.name, EVIL)
    if door in OF_A_BUCKET:
        assert answer.status_code == 400, answer.text
        assert "evil" in answer.text or "'..'" in answer.text
    else:
        # It is a legal name, and the file of an object called so is in its bucket's folder.
        assert answer.status_code in (200, 204, 404), answer.text
    assert _files_beside(data_dir, bucket.name) == outside


OF_A_BUCKET = ("rewrite to a bucket", *(door for door in DOORS if door.startswith("a bucket")))


def _files_beside(data_dir: Path, bucket: str) -> set[Path]:
    return {
        each
        for each in data_dir.parent.rglob("*")
        if data_dir / bucket not in each.parents and not each.name.startswith(("FRONT", "UPLOAD"))
    }


def test_a_name_is_decoded_once(http: httpx.Client, bucket: storage.Bucket, data_dir: Path) -> None:
    name = "%2e%2e%2f%2e%2e%2fevil"
    bucket.blob(name).upload_from_string("x")
    assert [blob.name for blob in bucket.list_blobs()] == [name]
    assert bucket.blob(name).download_as_bytes() == b"x"
    assert (data_dir / bucket.name / name).exists()


def test_the_bucket_of_the_path_is_the_one(http: httpx.Client, bucket: storage.Bucket) -> None:
    begun = http.post(
        f"{UPLOAD}/{bucket.name}/o?uploadType=resumable", json={"bucket": "..", "name": "a"}
    )
    http.put(begun.headers["location"], content="x").raise_for_status()
    assert bucket.blob("a").download_as_bytes() == b"x"


@pytest.mark.parametrize(
    "path",
    [
        "/_internal/config",
        "/_internal/reseed",
        "/_internal/delete_all",
        "/%5finternal/delete_all",
        "/storage/v1/../../_internal/delete_all",
    ],
)
def test_what_rules_the_binary_is_not_reached(path: str, http: httpx.Client) -> None:
    for method in ("PUT", "POST"):
        assert http.request(method, path, json={}).status_code in (400, 404)


def test_no_other_origin_is_allowed(http: httpx.Client, bucket: storage.Bucket) -> None:
    bucket.blob("good").upload_from_string("x")
    origin = {"origin": "http://evil.example"}
    for answer in (
        http.get(f"/storage/v1/b/{bucket.name}/o/good", headers=origin),
        http.get(f"/download/storage/v1/b/{bucket.name}/o/good?alt=media", headers=origin),
        http.get(f"/{bucket.name}/good", headers=origin),
        http.get("/storage/v1/b", headers=origin),
        http.options("/storage/v1/b", headers={**origin, "access-control-request-method": "POST"}),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost:4443", "storage:4443"])
def test_links_lead_where_the_client_came_by(
    host: str, http: httpx.Client, bucket: storage.Bucket
) -> None:
    bucket.blob("a/b").upload_from_string("x")
    headers = {"host": host}
    found = http.get(f"/storage/v1/b/{bucket.name}/o/a%2Fb", headers=headers).json()
    begun = http.post(
        f"{UPLOAD}/{bucket.name}/o?uploadType=resumable", json={"name": "c"}, headers=headers
    )
    links = [found["selfLink"], found["mediaLink"], begun.headers["location"]]
    listed = http.get(f"/storage/v1/b/{bucket.name}/o", headers=headers).json()["items"]
    links += [each["selfLink"] for each in listed]
    links.append(http.get(f"/storage/v1/b/{bucket.name}", headers=headers).json()["selfLink"])
    assert all(link.startswith(f"http://{host}/") for link in links), links


def test_an_unknown_path_is_named(http: httpx.Client) -> None:
    answer = http.get("/storage/v1/nowhere")
    assert answer.status_code == 404
    assert "GET /storage/v1/nowhere" in answer.json()["error"]["message"]
