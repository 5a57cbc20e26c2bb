"""Which entries a filter takes, by the page "Logging query language"."""

from __future__ import annotations

from typing import Any

import pytest

from localgcp.console.domain.log_filter import compiled
from localgcp.console.errors import BadFilter, NotSupported

ENTRY: dict[str, Any] = {
    "logName": "projects/p/logs/run.googleapis.com%2Fstderr",
    "severity": "ERROR",
    "timestamp": "2026-11-26T01:00:00Z",
    "jsonPayload": {"message": "Wrote 42 rows", "n": 5, "deep": {"er": "yes"}, "tags": ["x", "y"]},
    "labels": {"goog-managed-by": "cloudfunctions"},
    "resource": {"type": "cloud_run_revision", "labels": {"service_name": "dev-function"}},
}
# What gcloud functions logs read sends, word for word.
OF_GCLOUD = (
    '(resource.type="cloud_function" resource.labels.region="us-central1" '
    'logName:"cloud-functions" resource.labels.function_name="dev-function") OR '
    '(resource.type="cloud_run_revision" logName:"run.googleapis.com" '
    'labels."goog-managed-by"="cloudfunctions" resource.labels.service_name="dev-function") '
    'timestamp>="2026-11-19T01:15:39.759665Z"'
)


@pytest.mark.parametrize(
    "filter_",
    [
        "",
        "rows",
        '"WROTE 42"',
        "severity>=WARNING",
        "severity=(INFO OR ERROR)",
        'timestamp>="2026-11-26T00:59:59.5Z"',
        "timestamp<2026-11-26T01:00:00.001Z AND timestamp>2026-11-25",
        'labels."goog-managed-by"="CloudFunctions"',
        "jsonPayload.n>4 jsonPayload.n<=5.0",
        "jsonPayload.n!=-5",
        "jsonPayload.deep:*",
        "jsonPayload.tags=y",
        'NOT jsonPayload.absent="x"',
        '-jsonPayload.absent="x"',
        'textPayload!="x"',
        r'jsonPayload.message=~"\\d{2} rows$"',
        'jsonPayload.message!~"^rows"',
        'log_id("run.googleapis.com/stderr")',
        'severity=ERROR -- a comment\nAND "rows"',
        'resource.labels.service_name:("dev" AND "function")',
        OF_GCLOUD,
    ],
)
def test_an_entry_is_taken(filter_: str) -> None:
    assert compiled(filter_)(ENTRY)
    if filter_:
        assert not compiled(f"NOT ({filter_})")(ENTRY)


@pytest.mark.parametrize(
    "filter_",
    [
        "severity>ERROR",
        'timestamp>="2026-11-26T02:00:00+00:30"',
        'jsonPayload.absent!="x"',
        "jsonPayload.absent:*",
        "textPayload:*",
        "jsonPayload.n=five",
        'log_id("run.googleapis.com")',
        OF_GCLOUD.replace("dev-function", "dev-other"),
    ],
)
def test_an_entry_is_left(filter_: str) -> None:
    assert not compiled(filter_)(ENTRY)


def test_or_binds_before_and() -> None:
    """The page's example: "a" OR NOT "b" AND NOT "c" OR "d"."""
    takes = compiled('"a" OR NOT "b" AND NOT "c" OR "d"')
    said = {text: takes({"textPayload": text}) for text in ("a", "b", "bc", "ac", "acd", "")}
    assert said == {"a": True, "b": False, "bc": False, "ac": False, "acd": True, "": True}


@pytest.mark.parametrize(
    ("filter_", "why"),
    [
        ("(", "unexpected 'end' at character 2"),
        ("a=", "a value should stand after '='"),
        ("a b )", r"unexpected '\)' at character 5"),
        ("severity>=LOUD", "'LOUD' is no severity"),
        ("timestamp>x", "'x' is no time by RFC 3339"),
        ('a=~"("', "is no regular expression"),
        ("a..b=3", "'a..b' is no field"),
        ("(" * 200 + "a" + ")" * 200, "more than 100 levels"),
        ("x" * 20_001, "it may have 20000 characters"),
        ('"open', "unexpected '\"' at character 1"),
    ],
)
def test_what_can_t_be_read_is_told_with_its_place(filter_: str, why: str) -> None:
    with pytest.raises(BadFilter, match=why):
        compiled(filter_)


def test_a_function_is_refused_by_name() -> None:
    with pytest.raises(NotSupported, match="not supported by the emulator: the function sample"):
        compiled("sample(insertId, 0.1)")
