"""Side inputs: what each window of one holds, and whether it may be read yet.

A window may be read once the watermark has passed its end: then its content is whole. Where the
side input's windowing has a trigger of its own, it may be read from the first element on. Then new
elements take the place of the old ones if the windowing discards what has fired, and for a
singleton always; they add to them if it accumulates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apache_beam.coders import IterableCoder
from apache_beam.coders.coder_impl import create_InputStream, create_OutputStream
from apache_beam.pvalue import AsSingleton
from apache_beam.transforms.trigger import AccumulationMode, DefaultTrigger

from localgcp.beam.durable.beam_parts import common_urns
from localgcp.beam.durable.plan import SideInput
from localgcp.beam.durable.sources import NOTHING
from localgcp.beam.durable.store import Store

PREFIX = b"v"
"""Cells of side inputs begin with it."""

_ITERABLE = common_urns.side_inputs.ITERABLE.urn


class View:
    """One side input of one ParDo."""

    def __init__(self, side_input: SideInput, store: Store) -> None:
        self.side_input = side_input
        self.watermark = -NOTHING
        """Up to where its content is whole."""
        self._store = store
        name = f"{side_input.transform}\n{side_input.tag}\n".encode()
        self._prefix = PREFIX + name
        self._windows: dict[Any, bytes] = {}
        self._indexed: dict[bytes, dict[bytes, list[bytes]]] = {}
        windowing = side_input.windowing
        self._fires_early = windowing.triggerfn != DefaultTrigger()
        self._replaces = self._fires_early and (
            windowing.accumulation_mode == AccumulationMode.DISCARDING
            or _is_singleton(side_input.data.view_fn)
        )
        for cell in store.cells():
            if cell.startswith(self._prefix):
                encoded = cell[len(self._prefix) :]
                self._windows[side_input.window_coder.decode(encoded)] = encoded

    def add(self, values: Iterable[Any]) -> None:
        """Take WindowedValues of one bundle."""
        pieces: dict[Any, list[bytes]] = {}
        encode = self.side_input.element_coder.get_impl().encode_nested
        for value in values:
            encoded = encode(value.value)
            for window in value.windows:
                if self._replaces and _is_singleton(self.side_input.data.view_fn):
                    pieces[window] = [encoded]
                else:
                    pieces.setdefault(window, []).append(encoded)
        for window, added in pieces.items():
            cell = self._cell(window)
            if self._replaces:
                self._store.clear(cell)
            self._store.append(cell, added)
            self._indexed.pop(cell, None)

    def is_ready(self, main_window: Any) -> bool:
        """Whether an element in that window of the main input may read it."""
        window = self.side_input.data.window_mapping_fn(main_window)
        if self.watermark > window.max_timestamp().micros:
            return True
        return self._fires_early and window in self._windows

    def expire(self, watermark: int) -> None:
        """Forget windows that no element ahead of the consumer's watermark can ask for."""
        lateness = self.side_input.windowing.allowed_lateness
        for window in list(self._windows):
            if (window.max_timestamp() + lateness).micros < min(watermark, self.watermark):
                cell = self._cell(window)
                del self._windows[window]
                self._indexed.pop(cell, None)
                self._store.clear(cell)

    def read(self, kind: str, asked: Any) -> list[bytes] | None:
        """Encoded elements that a state request asks for; None if it asks for another kind."""
        cell = self._prefix + bytes(asked.window)
        if kind == "iterable_side_input":
            return self._store.pieces(cell)
        if kind == "multimap_side_input":
            return self._by_key(cell).get(bytes(asked.key), [])
        if kind == "multimap_keys_side_input":
            return list(self._by_key(cell))
        if kind == "multimap_keys_values_side_input":
            return self._keys_with_values(cell)
        return None

    def _cell(self, window: Any) -> bytes:
        encoded = self._windows.get(window)
        if encoded is None:
            encoded = self._windows[window] = self.side_input.window_coder.encode(window)
        return self._prefix + encoded

    def _by_key(self, cell: bytes) -> dict[bytes, list[bytes]]:
        """Encoded values by encoded key of a window's key-value pairs."""
        found = self._indexed.get(cell)
        if found is None:
            found = self._indexed[cell] = {}
            coder = self.side_input.element_coder
            keys, values = coder.key_coder().get_impl(), coder.value_coder().get_impl()
            pair = coder.get_impl()
            for piece in self._store.pieces(cell):
                key, value = pair.decode_from_stream(create_InputStream(piece), True)
                found.setdefault(keys.encode_nested(key), []).append(values.encode_nested(value))
        return found

    def _keys_with_values(self, cell: bytes) -> list[bytes]:
        coder = self.side_input.element_coder
        values = coder.value_coder().get_impl()
        iterable = IterableCoder(coder.value_coder()).get_impl()
        found = []
        for key, pieces in self._by_key(cell).items():
            out = create_OutputStream()
            decoded = [values.decode_from_stream(create_InputStream(p), True) for p in pieces]
            iterable.encode_to_stream(decoded, out, True)
            found.append(key + out.get())
        return found


class Views:
    """All side inputs, by who reads them."""

    def __init__(self, side_inputs: Iterable[SideInput], store: Store) -> None:
        self._views = {(each.transform, each.tag): View(each, store) for each in side_inputs}

    def of(self, transform: str, tag: str) -> View:
        """One side input."""
        return self._views[transform, tag]

    def fed_by(self, buffer: bytes) -> list[View]:
        """Those whose content is written to a buffer."""
        return [view for view in self._views.values() if view.side_input.buffer == buffer]

    def read(self, kind: str, asked: Any) -> list[bytes] | None:
        """What a state request for a side input gets."""
        if not hasattr(asked, "side_input_id"):
            return None
        return self._views[asked.transform_id, asked.side_input_id].read(kind, asked)


def _is_singleton(view_fn: Any) -> bool:
    return bool(getattr(view_fn, "func", view_fn) == AsSingleton._from_runtime_iterable)
