from __future__ import annotations

import pytest

from localgcp.pubsub.domain import filter
from localgcp.pubsub.errors import InvalidArgument

RED_ORDER = {"colour": "red", "Colour": "Red", "event_type": "order", "iana.org/tag": "de"}


@pytest.mark.parametrize(
    "text",
    [
        "attributes:colour",
        'attributes.colour = "red"',
        'attributes.colour="red"',
        'attributes.colour != "blue"',
        'attributes.missing != "blue"',
        "NOT attributes:missing",
        "-attributes:missing",
        'hasPrefix(attributes.event_type, "ord")',
        'attributes:"iana.org/tag"',
        'attributes."iana.org/tag" = "de"',
        'attributes.colour = "red" AND attributes.event_type = "order"',
        'attributes.colour = "blue" OR attributes.event_type = "order"',
        'attributes.Colour = "Red"',
        'attributes:colour AND (attributes.event_type = "x" OR attributes.event_type = "order")',
        'NOT (attributes.colour = "red" AND attributes.event_type = "inventory")',
    ],
)
def test_lets_pass(text: str) -> None:
    assert filter.parse(text)(RED_ORDER)


@pytest.mark.parametrize(
    "text",
    [
        "attributes:missing",
        'attributes.colour = "blue"',
        'attributes.colour != "red"',
        "NOT attributes:colour",
        'hasPrefix(attributes.missing, "")',
        'hasPrefix(attributes.event_type, "inv")',
        'attributes.colour = "red" AND attributes.event_type = "inventory"',
    ],
)
def test_holds_back(text: str) -> None:
    assert not filter.parse(text)(RED_ORDER)


def test_a_quote_in_a_value_is_escaped() -> None:
    assert filter.parse(r'attributes.k = "say \"hi\""')({"k": 'say "hi"'})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "expected 'attributes'"),
        ("attributes", "expected '.'"),
        ("attributes.k", "expected = or !="),
        ("attributes.k = v", "expected a text in quotes"),
        ('attributes.k = "v', "cannot read"),
        ('attributes.k > "v"', "cannot read"),
        ("attributes:a AND attributes:b OR attributes:c", "AND and OR need parentheses"),
        ("attributes:a OR attributes:b AND attributes:c", "AND and OR need parentheses"),
        ("(attributes:a", "expected ')', not 'the end'"),
        ("attributes.1 = 'x'", "cannot read"),
        ("attributes.( = 'x'", "cannot read"),
        ("attributes:)", "expected an attribute's key, not ')'"),
        ("attributes,k", "expected '.', not ','"),
        ("attributes:a attributes:b", "is unexpected"),
        ('hasSuffix(attributes.k, "v")', "expected 'attributes'"),
        ("attributes:" + "k" * 256, "more than 256 bytes"),
    ],
)
def test_refuses(text: str, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why.replace("(", r"\(").replace(")", r"\)")):
        filter.parse(text)


def test_a_filter_has_256_bytes_at_most() -> None:
    longest = "attributes:" + "k" * (256 - len("attributes:"))
    assert not filter.parse(longest)(RED_ORDER)
    with pytest.raises(InvalidArgument, match="more than 256 bytes"):
        filter.parse(longest + "k")
