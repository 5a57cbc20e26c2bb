"""What nobody should send, sent on and on: broken heads, bodies and frames, and bombs."""

from __future__ import annotations

import gzip
import socket
import zlib
from random import Random

import grpc

from tests.soak.loads import Shared

_PUBLISH = "/google.pubsub.v1.Publisher/Publish"
_BOMB = gzip.compress(bytes(64 << 20))
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def hostile(shared: Shared, rng: Random) -> None:
    """One thing of them; the emulator may answer what it likes, or hang up."""
    rng.choice([_noise, _endless_head, _bomb, _broken_frames, _half_a_body, _no_protobuf])(
        shared, rng
    )


def _noise(shared: Shared, rng: Random) -> None:
    _send(shared, rng.randbytes(rng.randint(1, 10_000)))


def _endless_head(shared: Shared, rng: Random) -> None:
    _send(shared, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X-A: b\r\n" * 100_000)


def _bomb(shared: Shared, rng: Random) -> None:
    path = shared.topic.encode()
    head = (
        b"POST /v1/%b:publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    )
    _send(shared, head % (path, len(_BOMB)) + _BOMB)


def _broken_frames(shared: Shared, rng: Random) -> None:
    _send(shared, _PREFACE + rng.randbytes(5_000))


def _half_a_body(shared: Shared, rng: Random) -> None:
    head = b"POST /v1/%b:publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n{"
    _send(shared, head % shared.topic.encode())


def _no_protobuf(shared: Shared, rng: Random) -> None:
    with grpc.insecure_channel(shared.address) as channel:
        method = channel.unary_unary(_PUBLISH)
        body = rng.choice([rng.randbytes(1000), zlib.compress(bytes(1 << 20)), b"\x0a\xff\xff\x7f"])
        try:
            method(body, timeout=10)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error


def _send(shared: Shared, data: bytes) -> None:
    host, _, port = shared.address.rpartition(":")
    with socket.socket() as sock:
        sock.settimeout(5)
        sock.connect((host, int(port)))
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            return  # it hung up, as it may
