"""The windows of one GroupByKey in the store: elements in cells, what triggers know in entries."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apache_beam.coders.coder_impl import CoderImpl, create_InputStream

from localgcp.beam.durable.beam_parts import GeneralTriggerDriver
from localgcp.beam.durable.store import Store
from localgcp.beam.window_state import KeyedState

PREFIX = b"g"
"""Cells of waiting elements begin with it."""

KIND = "window"
"""Entries of what triggers know."""

_ELEMENTS = GeneralTriggerDriver.ELEMENTS.tag


class SavedWindows:
    """Writes what changed of a key's windows, and reads it all back.

    Where windows merge Beam keeps elements by numbers and, for the key, which numbers a window
    has; the numbers stand where windows stand otherwise.
    """

    def __init__(self, name: str, values: CoderImpl, merging: bool, store: Store) -> None:
        """`name` is the GroupByKey's, `values` encodes an element's value."""
        self._prefix = name.encode() + b"\n"
        self._values, self._merging, self._store = values, merging, store
        self._written: dict[bytes, dict[Any, tuple[list[Any], int]]] = {}
        """The list of elements of each window, by key, and how many of it the store has."""

    def save(self, key: bytes, state: KeyedState, windows: Iterable[Any]) -> None:
        """Bring the store up to date with windows of a key, with all where they merge."""
        written = self._written.setdefault(key, {})
        changed = dict.fromkeys(windows)
        if self._merging:
            changed = dict.fromkeys([*written, *state.state])
            merged = dict(state.global_state)
            self._put(key, None, (key, None, {}, {}, merged) if any(merged.values()) else None)
        for window in changed:
            self._save_window(key, state, window, written)
        if not written:
            del self._written[key]

    def forget(self, key: bytes, window: Any) -> None:
        """Remove what is known of a window that has no elements."""
        self._put(key, window, None)

    def restore(self, saved: Mapping[bytes, bytes]) -> Iterator[tuple[bytes, Any, Any, Any]]:
        """Each key and window with its state by tag and its timers, of all entries given.

        A key's merged windows come as window None, in place of the state.
        """
        for entry, value in saved.items():
            if not entry.startswith(self._prefix):
                continue
            key, window, tags, timers, merged = pickle.loads(value)
            if window is None:
                yield key, None, merged, {}
                continue
            elements = [
                self._values.decode_from_stream(create_InputStream(piece), True)
                for piece in self._store.pieces(self._cell(key, window))
            ]
            self._written.setdefault(key, {})[window] = (elements, len(elements))
            yield key, window, {**tags, _ELEMENTS: elements} if elements else tags, timers

    def _save_window(
        self, key: bytes, state: KeyedState, window: Any, written: dict[Any, tuple[list[Any], int]]
    ) -> None:
        tags = state.state.get(window, {})
        elements = tags.get(_ELEMENTS, [])
        cell, (known, count) = self._cell(key, window), written.get(window, (elements, 0))
        if known is not elements and count:
            self._store.clear(cell)
            count = 0
        if len(elements) > count:
            self._store.append(cell, [self._values.encode_nested(e) for e in elements[count:]])
        timers = dict(state.timers.get(window, {}))
        rest = {tag: list(found) for tag, found in tags.items() if found and tag != _ELEMENTS}
        if rest or timers or elements:
            written[window] = (elements, len(elements))
            self._put(key, window, (key, window, rest, timers, None))
        else:
            state.state.pop(window, None)
            written.pop(window, None)
            self._put(key, window, None)

    def _put(self, key: bytes, window: Any, value: Any) -> None:
        entry = self._name(key, window)
        if value is None:
            self._store.remove(KIND, entry)
        else:
            self._store.put(KIND, entry, lambda: pickle.dumps(value))

    def _name(self, key: bytes, window: Any) -> bytes:
        return self._prefix + len(key).to_bytes(4, "big") + key + pickle.dumps(window)

    def _cell(self, key: bytes, window: Any) -> bytes:
        return PREFIX + self._name(key, window)
