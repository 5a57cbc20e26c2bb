"""jobs.insert with a file: whole in a multipart request, or in parts by a resumable upload."""

from __future__ import annotations

import re

from localgcp.asgi import Reply, Request, Route, json_object
from localgcp.bigquery.errors import NotSupported
from localgcp.bigquery.rest.call import MethodCall
from localgcp.bigquery.rest.methods import Method, Threads, query_of
from localgcp.bigquery.rest.uploads import MAX_UPLOAD, Uploads, split_multipart

_PATH = "/upload/bigquery/v2/projects/{project}/jobs"
_UPLOAD = re.compile(r"(?:/resumable)?/upload/bigquery/v2/projects/[^/]+/jobs")


def takes_files(path: str) -> bool:
    """Whether what is sent there is a file, of any content type."""
    return _UPLOAD.fullmatch(path) is not None


class UploadCalls:
    """What brings a job its file."""

    def __init__(self, threads: Threads, insert: Method) -> None:
        """`insert` is jobs.insert, which is called once the file is whole."""
        self._threads, self._insert, self._uploads = threads, insert, Uploads()

    def routes(self) -> list[Route]:
        """The two addresses, for the two verbs that clients send a part by."""
        paths = (_PATH, "/resumable" + _PATH)
        return [Route(verb, path, self.upload) for verb in ("POST", "PUT") for path in paths]

    async def upload(self, request: Request, project: str) -> Reply:
        """A part of a file, or all of it: 308 asks for more, 200 answers with the job."""
        query, raw = query_of(request), await request.unpacked(MAX_UPLOAD)
        kind, id_ = query.get("uploadType"), query.get("upload_id")
        if id_:
            content_range = request.headers.get("content-range", "")
            upload, done = self._uploads.add(id_, content_range, raw)
            resource, media = upload.resource, bytes(upload.data)
            if not done:
                came = [(b"range", f"bytes=0-{len(media) - 1}".encode())] if media else []
                return Reply(308, headers=came)
        elif kind == "resumable":
            id_ = self._uploads.begin(json_object(raw))
            place = f"{request.root}{request.path.decode()}?uploadType=resumable&upload_id={id_}"
            return Reply(200, headers=[(b"location", place.encode())])
        elif kind == "multipart":
            document, media = split_multipart(request.headers.get("content-type", ""), raw)
            resource = json_object(document)
        else:
            raise NotSupported(f"uploadType {kind}; use multipart or resumable", "uploadType")
        call = MethodCall(path={"project": project}, body=resource, media=media)
        return Reply.json(await self._threads.run(self._insert, call))
