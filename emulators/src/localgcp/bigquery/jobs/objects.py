"""Cloud Storage as jobs see it: objects named by `gs://` URIs, read and written over the wire.

Where it answers is told by `--storage`, else by STORAGE_EMULATOR_HOST, each time a job asks. It is
spoken by the JSON API, and never Google's own: without an address a job that names an object fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from localgcp.bigquery.errors import BadValue, NotFound, NotSupported, Unavailable

SCHEME = "gs://"
MAX_OBJECT = 256 * 1024 * 1024  # held in memory while it is read
_SECONDS = 60.0
_HOW = "start the BigQuery emulator with --storage HOST:PORT, or set STORAGE_EMULATOR_HOST for it"


class UriNotFound(NotFound):
    """No object has this name, or none matches the pattern."""

    def __init__(self, uri: str) -> None:
        what = "Uris" if "*" in uri else "URI"
        super().__init__(f"Not found: {what} {uri}", uri)


@dataclass(frozen=True, slots=True)
class Uri:
    """`gs://BUCKET/NAME`; the name may hold one `*`, which stands for any characters."""

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.name}"

    def at(self, text: str) -> Uri:
        """With `text` for its `*`."""
        return Uri(self.bucket, self.name.replace("*", text))


def parse_uri(text: object, where: str) -> Uri:
    """Read a URI of the field `where`. Raises BadValue, NotSupported for another scheme."""
    if not isinstance(text, str) or not text:
        raise BadValue(where, text, "a URI is text: gs://BUCKET/NAME")
    if not text.startswith(SCHEME):
        raise NotSupported(f"{text}: only {SCHEME} URIs", where)
    bucket, _, name = text.removeprefix(SCHEME).partition("/")
    if not bucket or not name:
        raise BadValue(where, text, "gs://BUCKET/NAME has both parts")
    if "*" in bucket:
        raise BadValue(where, text, "a wildcard may stand in the object's name alone")
    if name.count("*") > 1:
        raise BadValue(where, text, "at most one wildcard")
    return Uri(bucket, name)


class Objects:
    """The objects of one Cloud Storage."""

    def __init__(self, endpoint: Callable[[], str | None]) -> None:
        """`endpoint` gives its base URL, None where there is none."""
        self._endpoint = endpoint

    def matching(self, uri: Uri) -> list[Uri]:
        """What a URI stands for, by name. Raises UriNotFound, NotSupported, Unavailable."""
        head, star, tail = uri.name.partition("*")
        if not star:
            return [uri]
        names = (name for name in self._names(uri, head) if name.endswith(tail))
        found = [Uri(uri.bucket, name) for name in names if len(name) >= len(head) + len(tail)]
        if not found:
            raise UriNotFound(str(uri))
        return sorted(found, key=str)

    def read(self, uri: Uri) -> bytes:
        """An object's bytes, as stored. Raises UriNotFound, NotSupported, BadValue, Unavailable."""
        path = f"/download/storage/v1/b/{_part(uri.bucket)}/o/{_part(uri.name)}?alt=media"
        # Accepting gzip keeps the server from unpacking what was stored packed.
        data = self._call(uri, Request(self._url(uri, path), headers={"accept-encoding": "gzip"}))
        if len(data) > MAX_OBJECT:
            raise BadValue("sourceUris", str(uri), f"larger than {MAX_OBJECT} bytes")
        return data

    def text(self, uri: str) -> str:
        """An object's text in UTF-8. Raises what `read` raises."""
        try:
            return self.read(parse_uri(uri, "library")).decode()
        except UnicodeDecodeError as error:
            raise BadValue("library", uri, "its bytes are no UTF-8") from error

    def write(self, uri: Uri, data: bytes, content_type: str) -> None:
        """Make an object, or replace it. Raises UriNotFound for a bucket that is not there."""
        query = urlencode({"uploadType": "media", "name": uri.name})
        path = f"/upload/storage/v1/b/{_part(uri.bucket)}/o?{query}"
        headers = {"content-type": content_type}
        self._call(uri, Request(self._url(uri, path), data, headers, method="POST"))

    def _names(self, uri: Uri, prefix: str) -> Iterator[str]:
        token = ""
        while True:
            query = urlencode({"prefix": prefix} | ({"pageToken": token} if token else {}))
            path = f"/storage/v1/b/{_part(uri.bucket)}/o?{query}"
            page = json.loads(self._call(uri, Request(self._url(uri, path))))
            yield from (item["name"] for item in page.get("items", ()))
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _url(self, uri: Uri, path: str) -> str:
        endpoint = self._endpoint()
        if not endpoint:
            raise NotSupported(f"{uri} without Cloud Storage; {_HOW}", str(uri))
        return endpoint.rstrip("/") + path

    def _call(self, uri: Uri, request: Request) -> bytes:
        try:
            with urlopen(request, timeout=_SECONDS) as answer:
                data: bytes = answer.read(MAX_OBJECT + 1)
                return data
        except HTTPError as error:
            with error:
                if error.code == 404:
                    raise UriNotFound(str(uri)) from error
                why = f"Cloud Storage answered {error.code}"
        except (URLError, OSError, HTTPException) as error:
            why = f"Cloud Storage did not answer: {error}"
        raise Unavailable(f"{uri}: {why}")


def _part(text: str) -> str:
    return quote(text, safe="")
