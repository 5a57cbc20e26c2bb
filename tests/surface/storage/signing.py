"""A service account that no cloud knows: it can sign, which needs no network."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2.service_account import Credentials


@cache
def account() -> dict[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "local-project",
        "private_key_id": "local",
        "private_key": text.decode(),
        "client_email": "signer@local-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:1/token",
    }


def signer() -> Any:
    return Credentials.from_service_account_info(account())  # type: ignore[no-untyped-call]
