"""What the front keeps of its own, in one SQLite file beside the binary's folders.

The binary keeps objects: their bytes, and the metadata that they were stored with. It forgets most
of a bucket's fields, gives a patched object a new generation, and loses a resumable upload with
its process. So the front keeps these. Each row is on disk before its request is answered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

FILE = "FRONT.sqlite"
"""No bucket's name has capitals, so no bucket's folder or file is called so."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
    name TEXT PRIMARY KEY, metageneration INTEGER NOT NULL, fields BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    bucket TEXT, name TEXT, generation INTEGER NOT NULL, metageneration INTEGER NOT NULL,
    fields BLOB NOT NULL, PRIMARY KEY (bucket, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS renamed (bucket TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, name TEXT NOT NULL, resource BLOB NOT NULL,
    conditions BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notifications (
    id INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, config BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, message BLOB NOT NULL
);
"""


@dataclass(frozen=True)
class BucketRecord:
    """A bucket's fields as last set; the binary knows its name and when it was made."""

    metageneration: int = 1
    fields: dict[str, Any] = field(default_factory=dict)


_NOTHING_SET = BucketRecord()


@dataclass(frozen=True)
class ObjectRecord:
    """What of an object's metadata differs from what the binary says of this generation.

    A field that is None is absent.
    """

    generation: int
    metageneration: int = 1
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UploadRecord:
    """A resumable upload that has begun: where to, with which metadata, under which conditions."""

    id: str
    bucket: str
    name: str
    resource: dict[str, Any]
    conditions: dict[str, str]


class Records:
    """The file at `path`, or memory for None. Records are also held here, to look up."""

    def __init__(self, path: Path | None) -> None:
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._objects = {
            (bucket, name): ObjectRecord(generation, metageneration, orjson.loads(fields))
            for bucket, name, generation, metageneration, fields in self._db.execute(
                "SELECT bucket, name, generation, metageneration, fields FROM objects"
            )
        }
        self._buckets = {
            name: BucketRecord(metageneration, orjson.loads(fields))
            for name, metageneration, fields in self._db.execute(
                "SELECT name, metageneration, fields FROM buckets"
            )
        }
        self._notified = {row[0] for row in self._db.execute("SELECT bucket FROM notifications")}
        self._renamed = {row[0] for row in self._db.execute("SELECT bucket FROM renamed")}

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def bucket(self, name: str) -> BucketRecord:
        """The record of a bucket, an empty one where nothing was set."""
        return self._buckets.get(name, _NOTHING_SET)

    def put_bucket(self, name: str, record: BucketRecord) -> None:
        """Keep the record of a bucket."""
        row = (name, record.metageneration, orjson.dumps(record.fields))
        self._db.execute("INSERT OR REPLACE INTO buckets VALUES (?, ?, ?)", row)
        self._buckets[name] = record

    def drop_bucket(self, name: str) -> None:
        """Forget a bucket and all in it."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM buckets WHERE name = ?", (name,))
            for table in ("objects", "renamed", "uploads", "notifications"):
                self._db.execute(f"DELETE FROM {table} WHERE bucket = ?", (name,))
        self._buckets.pop(name, None)
        self._objects = {key: each for key, each in self._objects.items() if key[0] != name}
        self._notified.discard(name)
        self._renamed.discard(name)

    def rename_in(self, bucket: str) -> None:
        """Keep that a bucket has, or had, an object whose file is called otherwise."""
        if bucket not in self._renamed:
            self._db.execute("INSERT INTO renamed VALUES (?)", (bucket,))
            self._renamed.add(bucket)

    def renames(self, bucket: str) -> bool:
        """Whether a file of this bucket may be called otherwise than its object."""
        return bucket in self._renamed

    def object_(self, bucket: str, name: str, generation: int) -> ObjectRecord:
        """The record of this generation of an object, an empty one where nothing differs."""
        record = self._objects.get((bucket, name))
        if record is None or record.generation != generation:
            return ObjectRecord(generation)
        return record

    def has_object(self, bucket: str, name: str) -> bool:
        """Whether anything is kept of an object of this name."""
        return (bucket, name) in self._objects

    def put_object(self, bucket: str, name: str, record: ObjectRecord) -> None:
        """Keep the record of an object, in place of one of an older generation."""
        row = (bucket, name, record.generation, record.metageneration, orjson.dumps(record.fields))
        self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", row)
        self._objects[bucket, name] = record

    def drop_object(self, bucket: str, name: str) -> None:
        """Forget the record of an object, if there is one."""
        if self._objects.pop((bucket, name), None) is not None:
            self._db.execute("DELETE FROM objects WHERE bucket = ? AND name = ?", (bucket, name))

    def upload(self, id_: str) -> UploadRecord | None:
        """The upload that has begun under this id."""
        row = self._db.execute(
            "SELECT id, bucket, name, resource, conditions FROM uploads WHERE id = ?", (id_,)
        ).fetchone()
        if row is None:
            return None
        id_, bucket, name, resource, conditions = row
        return UploadRecord(id_, bucket, name, orjson.loads(resource), orjson.loads(conditions))

    def put_upload(self, upload: UploadRecord) -> None:
        """Keep an upload that begins."""
        resource, conditions = orjson.dumps(upload.resource), orjson.dumps(upload.conditions)
        row = (upload.id, upload.bucket, upload.name, resource, conditions)
        self._db.execute("INSERT INTO uploads VALUES (?, ?, ?, ?, ?)", row)

    def drop_upload(self, id_: str) -> None:
        """Forget an upload that has ended."""
        self._db.execute("DELETE FROM uploads WHERE id = ?", (id_,))

    def notified(self, bucket: str) -> bool:
        """Whether anybody wants to hear of this bucket."""
        return bucket in self._notified

    def notifications(self, bucket: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The notification configurations of a bucket by their ids."""
        rows = self._db.execute(
            "SELECT id, config FROM notifications WHERE bucket = ? ORDER BY id", (bucket,)
        ).fetchall()
        for id_, config in rows:
            yield id_, orjson.loads(config)

    def add_notification(self, bucket: str, config: dict[str, Any]) -> int:
        """Keep a configuration; answers with its id, which no other ever has."""
        added = self._db.execute(
            "INSERT INTO notifications (bucket, config) VALUES (?, ?)",
            (bucket, orjson.dumps(config)),
        )
        self._notified.add(bucket)
        assert added.lastrowid is not None
        return added.lastrowid

    def drop_notification(self, bucket: str, id_: int) -> bool:
        """Forget a configuration; whether there was one."""
        gone = self._db.execute(
            "DELETE FROM notifications WHERE bucket = ? AND id = ?", (bucket, id_)
        )
        if not any(True for _ in self.notifications(bucket)):
            self._notified.discard(bucket)
        return gone.rowcount > 0

    def post(self, topic: str, message: dict[str, Any]) -> None:
        """Keep a message until it is published."""
        row = (topic, orjson.dumps(message))
        self._db.execute("INSERT INTO outbox (topic, message) VALUES (?, ?)", row)

    def posted(self, limit: int) -> list[tuple[int, str, dict[str, Any]]]:
        """The oldest messages that are not published: id, topic, message."""
        rows = self._db.execute(
            "SELECT id, topic, message FROM outbox ORDER BY id LIMIT ?", (limit,)
        ).fetchall()
        return [(id_, topic, orjson.loads(message)) for id_, topic, message in rows]

    def published(self, id_: int) -> None:
        """Forget a message."""
        self._db.execute("DELETE FROM outbox WHERE id = ?", (id_,))
