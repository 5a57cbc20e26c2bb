from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from services.generator.mix import Kind, Mix


@given(
    weights=st.dictionaries(
        st.sampled_from("abcdef"), st.floats(0.01, 1_000), min_size=1, max_size=6
    ),
    total=st.integers(1, 400),
)
def test_at_every_moment_each_type_is_near_its_share(weights: dict[str, float], total: int) -> None:
    mix = Mix(weights, {}, total, Random(1))
    whole = sum(weights.values())
    dealt: Counter[str] = Counter()
    for number in range(1, total + 1):
        dealt[mix.next_type()] += 1
        # Dealing to whoever is furthest behind lets nobody run ahead by more than one.
        assert all(dealt[name] < number * weight / whole + 1 for name, weight in weights.items())


def test_equal_shares_are_exact() -> None:
    mix = Mix({"a": 1, "b": 1, "c": 1}, {}, 12, Random(1))
    assert Counter(mix.next_type() for _ in range(12)) == {"a": 4, "b": 4, "c": 4}


@given(
    ratios=st.lists(st.floats(0, 1 / 3), min_size=3, max_size=3),
    total=st.integers(1, 2_000),
    seed=st.integers(),
)
def test_kinds_come_exactly_as_often_as_asked(ratios: list[float], total: int, seed: int) -> None:
    asked = dict(zip((Kind.INVALID, Kind.DUPLICATE, Kind.LATE), ratios, strict=True))
    # Three roundings up of a very small total can be more than there is.
    planned = {kind: round(ratio * total) for kind, ratio in asked.items()}
    mix = Mix({"a": 1}, asked, total, Random(seed))
    got = Counter(mix.next_kind() for _ in range(total))
    if sum(planned.values()) <= total:
        assert {kind: got[kind] for kind in planned} == planned


def test_a_postponed_kind_still_comes() -> None:
    mix = Mix({"a": 1}, {Kind.DUPLICATE: 1.0}, 5, Random(1))
    assert mix.next_kind() is Kind.DUPLICATE
    mix.postpone(Kind.DUPLICATE)
    assert [mix.next_kind() for _ in range(4)] == [Kind.DUPLICATE] * 4
