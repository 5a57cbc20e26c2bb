"""A way in for gRPC clients that no variable points at an emulator: the Storage APIs' of BigQuery.

gRPC's core asks the proxy that `grpc_proxy` names to connect it to bigquerystorage.googleapis.com.
The emulator is that proxy: it answers by itself, over TLS, with a certificate of this machine alone
which `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` lets the client trust. What asks for another host is
refused, so that no such client gets to Google either.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener
from uuid import uuid4

from localgcp import clients, environment

HOST = "bigquerystorage.googleapis.com"
PAGE = "/_emulator/certificate"
"""Where the emulator shows its certificate: what runs in a container has its own."""
DIRECT = ("localhost", "127.0.0.1", "::1")
"""Hosts that gRPC's core goes to without a proxy: those of the emulators and of Beam's workers."""
ANSWER_SECONDS = 10.0
_YEARS = timedelta(days=3650)
_EARLY = timedelta(days=1)  # for clocks that differ


class NotShown(OSError):
    """No emulator answers where its certificate was asked for."""

    def __init__(self, address: str, why: object) -> None:
        super().__init__(f"bigquery: nothing answers on {address}: {why}")


def led(address: str) -> dict[str, str]:
    """What leads clients to the BigQuery emulator that this user runs at `address`, HOST:PORT.

    It need not listen yet. Raises OSError.
    """
    return variables(address, certificate(environment.cache_folder()))


def led_by_asking(address: str, folder: Path, others: Iterable[str] = ()) -> dict[str, str]:
    """The same for an emulator that listens, wherever it runs: it is asked for its certificate.

    That is kept in `folder`. `others` are the addresses of the other emulators. Gives nothing for
    an emulator that is not ours and has no certificate. Raises NotShown, OSError.
    """
    try:
        with _OPENER.open(f"http://{address}{PAGE}", timeout=ANSWER_SECONDS) as answer:
            text = answer.read().decode()
    except HTTPError as refusal:
        with refusal:
            return {}
    except (OSError, HTTPException) as error:
        raise NotShown(address, getattr(error, "reason", None) or error) from error
    folder.mkdir(parents=True, exist_ok=True)
    shown = folder / "tunnel.pem"
    clients.write(shown, text)
    return variables(address, shown, others)


# A proxy of the environment would not find what runs here.
_OPENER = build_opener(ProxyHandler({}))


def variables(address: str, certificate: Path, others: Iterable[str] = ()) -> dict[str, str]:
    """What leads gRPC's core through `address`, HOST:PORT, and lets it trust the certificate.

    To `address` itself and to `others` it goes without.
    """
    direct = (*DIRECT, *(each.rpartition(":")[0].strip("[]") for each in (address, *others)))
    return {
        "grpc_proxy": f"http://{address}",
        "no_grpc_proxy": ",".join(dict.fromkeys(direct)),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(certificate),
    }


def certificate(folder: Path) -> Path:
    """The file of the certificate, made with its key if there is none. Raises OSError.

    It is its own authority and good for one name; the key never leaves `folder`, which is its
    owner's alone.
    """
    whole, shown = _kept(folder), folder / "tunnel.pem"
    text = whole.read_text()
    text = text[text.index("-----BEGIN CERTIFICATE") :]
    if not shown.exists() or shown.read_text() != text:
        _put(shown, text.encode(), again=True)
    return shown


def _kept(folder: Path) -> Path:
    """The key and the certificate, in one file so that they always fit."""
    whole = folder / "tunnel.key"
    if not whole.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _put(whole, _key_and_certificate(), again=False)
    return whole


def _put(path: Path, content: bytes, again: bool) -> None:
    """Write a file at one stroke; unless `again`, of two that do so the first one counts."""
    draft = path.with_suffix(f".{uuid4().hex}")
    draft.touch(0o600)
    draft.write_bytes(content)
    if again:
        draft.replace(path)
        return
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def context(folder: Path) -> ssl.SSLContext:
    """TLS as the server speaks it, HTTP/2 alone. Raises OSError."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(_kept(folder))
    made.set_alpn_protocols(["h2"])
    return made


def _key_and_certificate() -> bytes:
    """Both in PEM: a P-256 key, and a certificate that it signs."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localgcp, this machine only")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + _YEARS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
