"""OpenTelemetry's own variables, as settings.py reads them."""

from __future__ import annotations

import pytest

import settings

BASE, OWN = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


def endpoint(environ: dict[str, str]) -> str | None:
    return settings.load({"PROJECT_ID": "shop-1234", **environ}).traces_endpoint


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({}, None),
        ({BASE: ""}, None),
        ({BASE: "http://collector:4318"}, "http://collector:4318/v1/traces"),
        ({BASE: "https://collector/otlp/"}, "https://collector/otlp/v1/traces"),
        ({BASE: "http://a", OWN: "http://b/spans"}, "http://b/spans"),
        ({BASE: "http://a", "OTEL_SDK_DISABLED": "TRUE"}, None),
        ({BASE: "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://a/v1/traces"),
    ],
)
def test_the_endpoint(environ: dict[str, str], found: str | None) -> None:
    assert endpoint(environ) == found


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({BASE: "collector:4318"}, f"{BASE} should be a URL"),
        ({OWN: "http://"}, f"{OWN} should be a URL"),
        ({BASE: "http://a:99999"}, f"{BASE} should be a URL"),
        ({BASE: "http://[::1"}, f"{BASE} should be a URL"),
        (
            {BASE: "http://a", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL should be one of http/protobuf; got 'grpc'",
        ),
    ],
)
def test_what_can_t_be_used_is_named(environ: dict[str, str], said: str) -> None:
    with pytest.raises(settings.InvalidSetting) as refused:
        endpoint(environ)
    assert said in str(refused.value)
