"""1 · What each message of a task shall be: its type, and whether it is sound."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """What a message is meant to be."""

    SOUND = "sound"
    INVALID = "invalid"
    DUPLICATE = "duplicate"
    LATE = "late"


class Mix:
    """Deals types and kinds to `total` messages, in exact shares of the whole.

    Types are interleaved so that at every moment each type is within one of its share. Kinds fall
    at random, by selection sampling (Knuth, TAOCP volume 2, algorithm 3.4.2 S): in no pattern
    with the types, and yet exactly as many as asked for.
    """

    def __init__(
        self, weights: Mapping[str, float], ratios: Mapping[Kind, float], total: int, rng: Random
    ) -> None:
        whole = sum(weights.values())
        self._shares = {name: weight / whole for name, weight in weights.items() if weight > 0}
        self._names = tuple(self._shares)
        self._dealt = dict.fromkeys(self._names, 0)
        self._number = 0
        self._due = {kind: round(ratio * total) for kind, ratio in ratios.items()}
        self._left = total
        self._rng = rng

    def next_type(self) -> str:
        """The type that is furthest behind its share."""
        self._number += 1
        number, dealt = self._number, self._dealt
        behind = [(share * number - dealt[name]) for name, share in self._shares.items()]
        name = self._names[behind.index(max(behind))]
        dealt[name] += 1
        return name

    def next_kind(self) -> Kind:
        """Each kind with the chance of what is due of it among what is left."""
        spot = self._rng.random() * self._left
        self._left -= 1
        for kind, due in self._due.items():
            if spot < due:
                self._due[kind] -= 1
                return kind
            spot -= due
        return Kind.SOUND

    def postpone(self, kind: Kind) -> None:
        """Deal this kind again later: nothing could be made of it now."""
        self._due[kind] += 1
