"""The front: the only way in. Names are checked here, then the objects' calls are made.

Nothing of a request goes on to the binary as it came: each call to it is made anew, from names
that were checked and encoded once. What has no route here does not reach it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from localgcp.asgi import Application, Reply, Request, Route
from localgcp.storage.domain.buckets import Buckets
from localgcp.storage.domain.copies import Copies
from localgcp.storage.domain.listings import Listings
from localgcp.storage.domain.notifications import Notifications
from localgcp.storage.domain.objects import Objects
from localgcp.storage.domain.parts import PartUploads
from localgcp.storage.domain.uploads import Uploads
from localgcp.storage.errors import NotSupported
from localgcp.storage.wire import access, answers
from localgcp.storage.wire.batches import Batches
from localgcp.storage.wire.bucket_calls import BucketCalls
from localgcp.storage.wire.object_calls import ObjectCalls
from localgcp.storage.wire.part_calls import PartCalls
from localgcp.storage.wire.requests import UnknownPath
from localgcp.storage.wire.upload_calls import UploadCalls
from localgcp.storage.wire.xml_api import XmlCalls

_BUCKET = re.compile(rb"/[a-z0-9._-]{3,}/?")
_REFUSED = (
    ("/hmacKeys", "HMAC keys"),
    ("/folders", "folders of a hierarchical namespace"),
    ("/managedFolders", "managed folders"),
    ("/anywhereCaches", "Anywhere Cache"),
    ("/lockRetentionPolicy", "retention policies"),
    ("/bulkRestore", "soft delete"),
    ("/channels", "object change notification"),
    ("/o/watch", "object change notification"),
    ("/relocate", "bucket relocation"),
    ("/restore", "soft delete"),
    ("/iam", "IAM policies of an object"),
)


def application(
    buckets: Buckets,
    objects: Objects,
    copies: Copies,
    listings: Listings,
    uploads: Uploads,
    parts: PartUploads,
    notifications: Notifications,
    trouble: Callable[[], str | None],
) -> Application:
    """The ASGI application over one binary's buckets and objects.

    `trouble` tells why nothing more can be kept, if so: the health page is 503 then.
    """
    object_calls = ObjectCalls(objects, copies, listings)
    front = Application([], missing, answers.failed)

    async def health(request: Request) -> Reply:
        why = trouble()
        page = {"status": why or "ok", "buckets": len(await buckets.list_(""))}
        return Reply.json(page, 503 if why else 200)

    front.add(
        Route("GET", "/health", health),
        Route("GET", "/_internal/healthcheck", health),  # the binary's own, where scripts know it
        *UploadCalls(buckets, objects, uploads).routes(),
        *object_calls.routes(),
        *BucketCalls(buckets, notifications).routes(),
        *access.Access(buckets, objects).routes(),
        *Batches(front.answer).routes(),
        Route("GET", "/storage/v1/projects/{project}/serviceAccount", service_account),
        *XmlCalls(objects, object_calls, PartCalls(parts), missing).routes(),
    )
    return front


async def missing(request: Request) -> Reply:
    """Say why a path has no route.

    Raises NotSupported for what Cloud Storage has, UnknownPath for what it has not.
    """
    for part, what in _REFUSED:
        if request.path.startswith(b"/storage/v1/") and part.encode() in request.path:
            raise NotSupported(what)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise NotSupported("form uploads (POST policies)")
    if request.method == "GET" and _BUCKET.fullmatch(request.path):
        raise NotSupported("listing by the XML API")
    raise UnknownPath(request.method, request.path)


async def service_account(request: Request, project: str) -> Reply:
    """The account that Cloud Storage acts by; nobody checks it here."""
    email = f"service-{project}@gs-project-accounts.iam.gserviceaccount.com"
    return Reply.json({"kind": "storage#serviceAccount", "email_address": email})
