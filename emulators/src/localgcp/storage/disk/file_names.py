"""How an object's name becomes a path below its bucket's folder, and back.

Most names are their own path, so that the files on disk are called as the objects are. A part
between slashes that no file can be called by is percent-encoded behind a mark, in as many files'
names as it takes: `a/..` is `a/%=%2E%2E`. A folder's mark is another, since the objects `a/` and
`a//b` may both be there: `a/%=` and `a/%-/b`.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

MAX_PART = 250
"""Of a file in the file systems we know it is 255; the binary adds to it while it writes."""
_MORE, _FOLDER, _LAST = "%+", "%-", "%="
_MARKS = (_MORE, _FOLDER, _LAST)
_PIECE = 200
_METADATA = ".metadata"
"""Of the binary's own files, which it does not list."""


def path_of(name: str) -> str:
    """Where the object of this name is kept, relative to its bucket's folder."""
    *folders, last = name.split("/")
    return "/".join([*(_written(each, _FOLDER) for each in folders), _written(last, _LAST)])


def name_of(path: str) -> str:
    """The object that is kept there."""
    if "%" not in path:
        return path
    parts, begun = [], ""
    for part in path.split("/"):
        if part.startswith(_MORE):
            begun += part.removeprefix(_MORE)
        elif part.startswith(_MARKS):
            parts.append(unquote(begun + part[len(_LAST) :]))
            begun = ""
        else:
            parts.append(part)
    return "/".join(parts)


def folder_of(prefix: str) -> str:
    """The longest path that all objects share whose names begin with `prefix`."""
    *folders, _ = prefix.split("/")
    return "".join(_written(each, _FOLDER) + "/" for each in folders)


def _is_plain(part: str) -> bool:
    return not (
        part in ("", ".", "..")
        or "\0" in part
        or part.startswith(_MARKS)
        or part.endswith(_METADATA)
        or len(part.encode()) > MAX_PART
    )


def _written(part: str, mark: str) -> str:
    if _is_plain(part):
        return part
    text = quote(part, safe="").replace(".", "%2E")
    *more, last = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)] or [""]
    return "/".join([*(_MORE + piece for piece in more), mark + last])
