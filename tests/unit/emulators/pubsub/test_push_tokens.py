"""Tokens of authenticated pushes, checked by google-auth as a push endpoint checks them."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace

import pytest
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError
from google.oauth2 import id_token

from localgcp.pubsub.wire.push_tokens import LIFETIME_S, PushTokens
from tests.unit.emulators.pubsub.bench import FakeClock

EMAIL, AUDIENCE = "pusher@demo-project.iam.gserviceaccount.com", "https://example.com/push"


def test_google_auth_takes_a_token_by_either_kind_of_key() -> None:
    tokens = PushTokens(time.time)
    token = tokens.token(EMAIL, AUDIENCE)
    answer = SimpleNamespace(status=200, data=json.dumps(tokens.certificates).encode())
    claims = id_token.verify_token(token, lambda *args, **more: answer, audience=AUDIENCE)
    assert (claims["email"], claims["email_verified"]) == (EMAIL, True)
    assert (claims["iss"], claims["aud"]) == ("https://accounts.google.com", AUDIENCE)
    assert claims["exp"] - claims["iat"] == LIFETIME_S
    with pytest.raises(GoogleAuthError, match="audience"):
        jwt.decode(token, tokens.certificates, audience="https://example.com/other")
    with pytest.raises(GoogleAuthError):
        jwt.decode(token, PushTokens(time.time).certificates)


def test_a_token_serves_until_shortly_before_its_end() -> None:
    clock = FakeClock()
    tokens = PushTokens(clock)
    first = tokens.token(EMAIL, AUDIENCE)
    assert tokens.token(EMAIL, "another") != first
    clock.advance(LIFETIME_S - 700)
    assert tokens.token(EMAIL, AUDIENCE) == first
    clock.advance(200)
    assert tokens.token(EMAIL, AUDIENCE) != first


def test_what_the_keys_say() -> None:
    tokens = PushTokens(time.time)
    [key] = tokens.jwks["keys"]
    assert (key["kty"], key["alg"], key["e"]) == ("RSA", "RS256", "AQAB")
    assert list(tokens.certificates) == [key["kid"]]
    assert (
        tokens.discovery("http://127.0.0.1:1")["jwks_uri"] == "http://127.0.0.1:1/oauth2/v3/certs"
    )
