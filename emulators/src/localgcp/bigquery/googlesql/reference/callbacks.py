"""Functions of this process that SQL calls while the instance evaluates it.

The instance calls nothing but WASI. The name of a time zone, however, is that of a file which it
opens: so a name that begins with a mark is a call, and holds the function's name and its argument.
There is no such zone; what the function answers is written into a constant of the catalog, in the
instance's own memory, from where SQL takes it. Each call has an identifier, which its answer bears:
an answer that is not its own is an error, never a value.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from wasmtime import Engine, FuncType, Instance, Linker, Module, Store, ValType, wat2wasm
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c
from zetasql.wasi._pb2.zetasql.public import type_pb2, value_pb2

from localgcp.bigquery.catalog.routine import Argument, Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.googlesql.reference import routines

CALL = "_localgcp_call"
MAX_ANSWER = 1 << 20
_ANSWER = "_localgcp_answer"  # the constant
_ZONE = b"_localgcp_call/"
_MARK_SIZE, _ID_SIZE, _HEAD_SIZE = 16, 36, 48  # the head: an identifier, a kind, a length
_NO_FILE = 44  # errno.noent of WASI
_WASI = "wasi_snapshot_preview1"
_TEXT = Field("", "STRING")
# WASI finds the memory by who calls: so its own function is called by a module with that memory.
_PARAMETERS = "(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)"
_THROUGH = f"""(module
(import "instance" "memory" (memory 0 65536 shared))
(import "wasi" "path_open" (func $open {_PARAMETERS}))
(export "memory" (memory 0))
(func (export "path_open") {_PARAMETERS}
{" ".join(f"local.get {place}" for place in range(9))} call $open))"""
_TOLD = f"""SAFE_CONVERT_BYTES_TO_STRING(SUBSTR({_ANSWER}, {_MARK_SIZE + _HEAD_SIZE + 1},
CAST(SAFE_CONVERT_BYTES_TO_STRING(SUBSTR(head, {_ID_SIZE + 2})) AS INT64)))"""
# The zone is no zone, so DATE fails, which is NULL; and only then the head is read.
_BODY = f"""WITH(id AS GENERATE_UUID(),
head AS IF(SAFE.DATE(TIMESTAMP '1970-01-01 00:00:00+00', CONCAT('{_ZONE.decode()}', id, '/',
function, '/', TO_BASE64(CAST(argument AS BYTES)))) IS NULL,
SUBSTR({_ANSWER}, {_MARK_SIZE + 1}, {_HEAD_SIZE}), b''),
IF(SUBSTR(head, 1, {_ID_SIZE}) != CAST(id AS BYTES),
ERROR('not supported by the emulator: this function, whose call did not come through'),
CASE SUBSTR(head, {_ID_SIZE + 1}, 1) WHEN b'v' THEN {_TOLD} WHEN b'e' THEN ERROR({_TOLD}) END))"""
_ROUTINE = Routine(
    "SCALAR", (CALL,), (Argument("function", _TEXT), Argument("argument", _TEXT)), _TEXT, _BODY
)

Function = Callable[[str], str | None]
"""A text to a text or NULL. Raises CallFailed."""


class CallFailed(Exception):
    """What a function has against its argument, as the statement's error."""


class InstanceMemory(Protocol):
    """The instance's memory, read and written at addresses."""

    def find(self, what: bytes) -> list[int]:
        """Each place of it."""

    def read(self, at: int, size: int) -> bytes:
        """What is there."""

    def write(self, at: int, raw: bytes) -> None:
        """Change what is there."""


class Callbacks:
    """The functions that an instance may call, and the way to them."""

    def __init__(self, memory: InstanceMemory) -> None:
        self._memory = memory
        self._functions: Mapping[str, Function] = {}
        self._mark = os.urandom(_MARK_SIZE)
        self._places: list[int] | None = None
        self._through: Any = None

    def instantiate(self, linker: Linker, store: Store, engine: Engine, module: Module) -> Instance:
        """An instance whose opening of files comes by here."""
        i32, i64 = ValType.i32(), ValType.i64()
        kind = FuncType([*[i32] * 5, i64, i64, i32, i32], [i32])
        linker.define(store, "wasi", "path_open", linker.get(store, _WASI, "path_open"))
        linker.allow_shadowing = True
        linker.define_func(_WASI, "path_open", kind, self._open, access_caller=True)
        instance = linker.instantiate(store, module)
        linker.define_instance(store, "instance", instance)
        through = linker.instantiate(store, Module(engine, bytes(wat2wasm(_THROUGH))))
        self._through = through.exports(store)["path_open"]
        return instance

    def offer(self, functions: Mapping[str, Function]) -> None:
        """What the next statement may call, by name."""
        self._functions, self._places = functions, None

    def put_in(self, catalog: c.SimpleCatalogProto) -> None:
        """Have `_localgcp_call(function, argument)` in a catalog."""
        routines.add(catalog, _ROUTINE)
        room = self._mark + bytes(_HEAD_SIZE + MAX_ANSWER)
        kind = type_pb2.TypeProto(type_kind=type_pb2.TYPE_BYTES)
        held = value_pb2.ValueProto(bytes_value=room)
        catalog.constant.add(name_path=[_ANSWER], type=kind, value=held)

    def _open(self, caller: Any, *arguments: int) -> int:
        """WASI's path_open; the third and fourth argument are the path's place and length."""
        path = self._memory.read(arguments[2], arguments[3])
        if not path.startswith(_ZONE):
            opened: int = self._through(caller, *arguments)
            return opened
        id_, function, argument = path[len(_ZONE) :].split(b"/", 2)
        kind, answer = self._answer(function.decode(), b64decode(argument).decode())
        self._write(b"%s%s%11d" % (id_, kind, len(answer)) + answer)
        return _NO_FILE

    def _answer(self, function: str, argument: str) -> tuple[bytes, bytes]:
        try:
            answer = self._functions[function](argument)
        except CallFailed as error:
            return b"e", str(error).encode(errors="replace")[:MAX_ANSWER]
        except Exception as error:  # noqa: BLE001 - through the instance it would be the end of it
            what = f"not supported by the emulator: {function}: {type(error).__name__}: {error}"
            return b"e", what.encode(errors="replace")[:MAX_ANSWER]
        if answer is None:
            return b"n", b""
        raw = answer.encode(errors="replace")
        if len(raw) > MAX_ANSWER:
            return b"e", b"not supported by the emulator: a function's value of more than 1 MiB"
        return b"v", raw

    def _write(self, raw: bytes) -> None:
        if self._places is None:
            self._places = self._memory.find(self._mark)
        for place in self._places:
            if self._memory.read(place, _MARK_SIZE) == self._mark:
                self._memory.write(place + _MARK_SIZE, raw)
