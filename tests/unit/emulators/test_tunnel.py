"""The certificate of the tunnel: whose it is, what it is good for, and that it stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from localgcp import tunnel
from localgcp.base import claim_port
from tests.unit import shown


def test_the_key_is_its_owners_and_is_not_in_what_is_shown(tmp_path: Path) -> None:
    public = tunnel.certificate(tmp_path / "cache")
    assert "PRIVATE KEY" not in public.read_text()
    assert (tmp_path / "cache" / "tunnel.key").stat().st_mode & 0o777 == 0o600
    made = x509.load_pem_x509_certificate(public.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [tunnel.HOST]


def test_all_who_ask_get_the_same_certificate(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        public = list(pool.map(lambda _: tunnel.certificate(tmp_path).read_text(), range(8)))
    assert len(set(public)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tunnel.key", "tunnel.pem"]
    tunnel.context(tmp_path)


def test_a_certificate_that_does_not_fit_its_key_is_written_again(tmp_path: Path) -> None:
    first = tunnel.certificate(tmp_path).read_text()
    (tmp_path / "tunnel.key").unlink()
    second = tunnel.certificate(tmp_path).read_text()
    assert second != first
    assert second in (tmp_path / "tunnel.key").read_text()


def test_the_variables_name_the_proxy_and_spare_this_machine(tmp_path: Path) -> None:
    assert tunnel.variables("127.0.0.1:9050", tmp_path / "x.pem") == {
        "grpc_proxy": "http://127.0.0.1:9050",
        "no_grpc_proxy": "localhost,127.0.0.1,::1",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(tmp_path / "x.pem"),
    }


def test_the_other_emulators_of_a_network_are_spared_too(tmp_path: Path) -> None:
    led = tunnel.variables("bigquery:9050", tmp_path / "x.pem", ["pubsub:8085", "[::1]:4443"])
    assert led["grpc_proxy"] == "http://bigquery:9050"
    assert led["no_grpc_proxy"] == "localhost,127.0.0.1,::1,bigquery,pubsub"


@pytest.mark.parametrize("text", [b"", b"-----BEGIN CERTIFICATE-----"], ids=["another's", "ours"])
def test_the_certificate_is_that_of_the_emulator_that_is_asked(
    text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with shown.certificate(text) as address:
        led = tunnel.led_by_asking(address, tmp_path / "files")
    kept = tmp_path / "files" / "tunnel.pem"
    if not text:
        assert led == {}
        assert not kept.exists()
        return
    assert led == tunnel.variables(address, kept)
    assert kept.read_bytes() == text


def test_a_silent_emulator_is_an_error_that_names_it(tmp_path: Path) -> None:
    port = claim_port("a test", "127.0.0.1", 0)
    with pytest.raises(
        tunnel.NotShown, match=rf"bigquery: nothing answers on 127\.0\.0\.1:{port}: "
    ):
        tunnel.led_by_asking(f"127.0.0.1:{port}", tmp_path)
