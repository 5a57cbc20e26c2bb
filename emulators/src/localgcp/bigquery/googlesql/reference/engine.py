"""The WebAssembly instance: ZetaSQL's local service, called with protocol buffers.

The package's own caller copies a byte at a time and compiles at each start; this one does neither.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import tzdata
from google.protobuf.message import Message
from wasmtime import Linker, Store, WasiConfig
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as o
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c

from localgcp.bigquery.googlesql.reference import compiled, icu
from localgcp.bigquery.googlesql.reference.callbacks import Callbacks

Answer = TypeVar("Answer", bound=Message)
_FAILURE = re.compile(r"Code: (\d+), Message: (.*)", re.DOTALL)


class Refusal(Exception):
    """What the service said of a request: a code of google.rpc.Code, and why."""

    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")


class Engine:
    """One instance. A failed CHECK within raises wasmtime's Trap; the instance is lost then."""

    def __init__(self, folder: Path) -> None:
        """Start it with the machine code in `folder`. Raises OSError, WasmtimeError."""
        engine = compiled.new_engine()
        self._store = Store(engine)
        wasi = WasiConfig()
        zones = Path(tzdata.__file__).parent / "zoneinfo"
        wasi.preopen_dir(str(zones), "/usr/share/zoneinfo")
        self._store.set_wasi(wasi)
        linker = Linker(engine)
        linker.define_wasi()
        self.callbacks = Callbacks(self)
        module = compiled.load(engine, folder)
        instance = self.callbacks.instantiate(linker, self._store, engine, module)
        self._exports = instance.exports(self._store)
        self._functions: dict[str, Any] = {}
        memory: Any = self._exports["memory"]
        self._memory = ctypes.addressof(memory.data_ptr().contents)
        self.size: Callable[[], int] = memory.data_len
        self._call("_initialize")
        # Whether COLLATE can be evaluated.
        self.knows_collations = icu.give(self, self._normalize)

    def ask(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        """Call a method of the local service. Raises Refusal, Trap."""
        raw = request.SerializeToString()
        at = self._call("wasm_malloc", len(raw) + 4)  # the answer's length, then the request
        try:
            self.write(at + 4, raw)
            found = self._call(f"ZetaSqlLocalService_{method}", at + 4, len(raw), at)
            if not found:
                raise self._refusal()
            size = int.from_bytes(self.read(at, 4), "little")
            told = answer.FromString(self.read(found, size))
            self._call("wasm_free", found)
            return told
        finally:
            self._call("wasm_free", at)

    def _refusal(self) -> Refusal:
        size = self._call("wasm_get_last_error_size")
        text = self.read(self._call("wasm_get_last_error"), size).decode(errors="replace")
        match = _FAILURE.fullmatch(text)
        return Refusal(int(match[1]), match[2]) if match else Refusal(13, text)

    def read(self, at: int, size: int) -> bytes:
        """What is at an address of its memory."""
        return ctypes.string_at(self._memory + at, size)

    def write(self, at: int, raw: bytes) -> None:
        """Change what is at an address of its memory."""
        ctypes.memmove(self._memory + at, raw, len(raw))

    def put(self, raw: bytes) -> int:
        """Allocate memory and fill it; gives the address."""
        at = self._call("wasm_malloc", len(raw))
        self.write(at, raw)
        return at

    def find(self, what: bytes) -> list[int]:
        """Each address in its memory where these bytes are."""
        return [each.start() for each in re.finditer(re.escape(what), self.read(0, self.size()))]

    def _normalize(self) -> None:
        builtins = o.ZetaSQLBuiltinFunctionOptionsProto(language_options=o.LanguageOptionsProto())
        catalog = c.SimpleCatalogProto(name="catalog", builtin_function_options=builtins)
        sql = "SELECT NORMALIZE('a', NFKC)"
        asked = service.EvaluateQueryRequest(sql=sql, simple_catalog=catalog)
        self.ask("EvaluateQuery", asked, service.EvaluateQueryResponse)

    def _call(self, name: str, *arguments: int) -> int:
        function: Any = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._exports[name]
        result: int = function(self._store, *arguments)
        return result & 0xFFFFFFFF if isinstance(result, int) else 0
