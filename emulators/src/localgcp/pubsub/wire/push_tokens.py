"""OpenID Connect tokens for authenticated pushes, signed by a key of the emulator's own.

Page "Authentication for push subscriptions": the claims are the service's, the issuer too, so that
a program checks them as it does in the cloud; only the keys come from here. They are served as
Google serves its own: GET /oauth2/v3/certs (JWKS), /oauth2/v1/certs (certificates), and
/.well-known/openid-configuration.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ISSUER = "https://accounts.google.com"
LIFETIME_S = 3600
RENEW_S = 600
"""How long before its end a token is not used any more."""


class PushTokens:
    """Makes tokens, and tells what they are checked with. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._made: dict[tuple[str, str], tuple[float, str]] = {}

    def token(self, email: str, audience: str) -> str:
        """A JWT of the service account `email`; one serves for many pushes."""
        now = self._clock()
        end, token = self._made.get((email, audience), (0.0, ""))
        if not now < end - RENEW_S <= now + LIFETIME_S:
            end = now + LIFETIME_S
            token = self._sign(_claims(email, audience, int(now), int(end)))
            self._made[email, audience] = end, token
        return token

    @cached_property
    def jwks(self) -> dict[str, Any]:
        """The key as a JSON Web Key Set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self._kid}
        return {"keys": [key | {"n": _integer(numbers.n), "e": _integer(numbers.e)}]}

    @cached_property
    def certificates(self) -> dict[str, str]:
        """The key as a certificate, by its id: what google.oauth2.id_token asks for."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localgcp Pub/Sub emulator")])
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
        made = made.public_key(self._key.public_key()).serial_number(1)
        made = made.not_valid_before(now - timedelta(days=1))
        made = made.not_valid_after(now + timedelta(days=3650))
        signed = made.sign(self._key, hashes.SHA256())
        return {self._kid: signed.public_bytes(Encoding.PEM).decode()}

    @staticmethod
    def discovery(base: str) -> dict[str, Any]:
        """Google's discovery document, but with the keys at `base`, the emulator's own address."""
        return {
            "issuer": ISSUER,
            "jwks_uri": f"{base}/oauth2/v3/certs",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "sub"],
        }

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        # Made when it is first needed: it takes a tenth of a second.
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _kid(self) -> str:
        modulus = self._key.public_key().public_numbers().n
        return hashlib.sha256(_integer(modulus).encode()).hexdigest()[:40]

    def _sign(self, claims: dict[str, Any]) -> str:
        head = {"alg": "RS256", "kid": self._kid, "typ": "JWT"}
        signed = b".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return b".".join((signed, _base64(signature))).decode()


def _claims(email: str, audience: str, now: int, end: int) -> dict[str, Any]:
    # A number that stays the account's own, as Google's 21 digits do.
    subject = str(int(hashlib.sha256(email.encode()).hexdigest(), 16))[:21]
    return {
        "aud": audience,
        "azp": subject,
        "email": email,
        "email_verified": True,
        "exp": end,
        "iat": now,
        "iss": ISSUER,
        "sub": subject,
    }


def _integer(number: int) -> str:
    return _base64(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")
