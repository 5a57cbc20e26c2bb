"""User state as Beam's worker asks for it: read from cells, written when the bundle commits."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from apache_beam.coders import VarIntCoder
from apache_beam.coders.coder_impl import create_InputStream, create_OutputStream

from localgcp.beam.durable.beam_parts import CachingStateHandler, beam_fn_api_pb2
from localgcp.beam.durable.plan import Stage
from localgcp.beam.durable.store import Store
from localgcp.beam.durable.views import Views
from localgcp.beam.errors import UnsupportedTransform

PREFIX = b"s"
"""Cells of user state begin with it; the state's key follows."""

_SORT_KEY = VarIntCoder().get_impl()


class State(CachingStateHandler):
    """The state of one stage: what the bundle at hand changed, over what is committed.

    Between `begin` and `commit` or `discard` nothing of it is seen elsewhere.
    """

    def __init__(self, stage: Stage, store: Store, views: Views) -> None:
        self._stage, self._store, self._views = stage, store, views
        self._cleared: set[bytes] = set()
        self._added: dict[bytes, list[bytes]] = {}
        self._expiring: list[tuple[int, bytes]] = []
        self._known: set[bytes] = set()
        for cell in store.cells():
            if cell.startswith(PREFIX):
                self._note(cell)

    def begin(self) -> None:
        """A bundle starts."""
        self._cleared, self._added = set(), {}

    def commit(self) -> None:
        """What the bundle changed is the state."""
        for cell in self._cleared:
            self._store.clear(cell)
        for cell, pieces in self._added.items():
            if pieces:
                self._store.append(cell, pieces)
                self._note(cell)
        self.begin()

    def expire(self, watermark: int) -> None:
        """Forget the state of windows that take nothing more at that input watermark."""
        while self._expiring and self._expiring[0][0] < watermark:
            _, cell = heapq.heappop(self._expiring)
            self._known.discard(cell)
            self._store.clear(cell)

    def _note(self, cell: bytes) -> None:
        """Know when a cell's window ends."""
        if cell in self._known:
            return
        key = beam_fn_api_pb2.StateKey.FromString(cell[len(PREFIX) :])
        held = getattr(key, key.WhichOneof("type"))
        found = self._stage.state_windows.get(held.transform_id)
        if found is None:
            return
        self._known.add(cell)
        coder, lateness = found
        end = coder.decode(held.window).max_timestamp()
        heapq.heappush(self._expiring, ((end + lateness).micros, cell))

    # What Beam's worker calls.

    @contextmanager
    def process_instruction_id(self, bundle_id: Any, cache_tokens: Any) -> Iterator[None]:
        """A bundle is processed meanwhile."""
        yield

    def blocking_get(self, state_key: Any, coder: Any) -> Iterable[Any]:
        """The decoded elements of a state or a side input."""
        kind = state_key.WhichOneof("type")
        if kind == "bag_user_state":
            return _decoded(coder, self._pieces(_cell(state_key)))
        if kind == "ordered_list_user_state":
            limits = state_key.ordered_list_user_state.range
            elements = _decoded(coder, self._pieces(_cell(_unranged(state_key))))
            within = [each for each in elements if limits.start <= each[0] < limits.end]
            return sorted(within, key=lambda each: each[0])
        found = self._views.read(kind, getattr(state_key, kind))
        if found is None:
            raise UnsupportedTransform(self._stage.name, f"it asks for state of kind {kind}")
        return _decoded(coder, found)

    def extend(self, state_key: Any, coder: Any, elements: Iterable[Any]) -> _Done:
        """Add elements to a state."""
        cell = _cell(_unranged(state_key))
        pieces = self._added.setdefault(cell, [])
        ordered = state_key.WhichOneof("type") == "ordered_list_user_state"
        groups = ([each] for each in elements) if ordered else [elements]
        for group in groups:
            out = create_OutputStream()
            for element in group:
                coder.encode_to_stream(element, out, True)
            pieces.append(out.get())
        return _DONE

    def clear(self, state_key: Any) -> _Done:
        """Empty a state, or a range of an ordered list."""
        cell = _cell(_unranged(state_key))
        kept: list[bytes] = []
        if state_key.WhichOneof("type") == "ordered_list_user_state":
            limits = state_key.ordered_list_user_state.range
            kept = [
                piece
                for piece in self._pieces(cell)
                if not limits.start <= _sort_key(piece) < limits.end
            ]
        self._cleared.add(cell)
        self._added[cell] = kept
        return _DONE

    def done(self) -> None:
        """Nothing is under way."""

    def _pieces(self, cell: bytes) -> list[bytes]:
        before = [] if cell in self._cleared else self._store.pieces(cell)
        return [*before, *self._added.get(cell, ())]


class _Done:
    """A future of what is done."""

    def get(self, timeout: Any = None) -> None:
        """Nothing to wait for."""


_DONE = _Done()


def _cell(state_key: Any) -> bytes:
    return PREFIX + bytes(state_key.SerializeToString(deterministic=True))


def _unranged(state_key: Any) -> Any:
    if state_key.WhichOneof("type") != "ordered_list_user_state":
        return state_key
    whole = beam_fn_api_pb2.StateKey()
    whole.CopyFrom(state_key)
    whole.ordered_list_user_state.ClearField("range")
    return whole


def _decoded(coder: Any, pieces: list[bytes]) -> list[Any]:
    elements = []
    for piece in pieces:
        stream = create_InputStream(piece)
        while stream.size() > 0:
            elements.append(coder.decode_from_stream(stream, True))
    return elements


def _sort_key(piece: bytes) -> int:
    return int(_SORT_KEY.decode_from_stream(create_InputStream(piece), True))
