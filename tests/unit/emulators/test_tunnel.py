"""The certificate of the tunnel: whose it is, what it is good for, and that it stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography import x509

from localgcp import tunnel


def test_the_key_is_its_owners_and_is_not_in_what_is_shown(tmp_path: Path) -> None:
    shown = tunnel.certificate(tmp_path / "cache")
    assert "PRIVATE KEY" not in shown.read_text()
    assert (tmp_path / "cache" / "tunnel.key").stat().st_mode & 0o777 == 0o600
    made = x509.load_pem_x509_certificate(shown.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [tunnel.HOST]


def test_all_who_ask_get_the_same_certificate(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda _: tunnel.certificate(tmp_path).read_text(), range(8)))
    assert len(set(shown)) == 1
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
