#!/usr/local/bin/python -IS
"""For health checks: `answers PORT PATH` ends with 0 if GET PATH there is answered below 500.

Else it prints the answer, which `docker inspect` keeps. An image has no curl, and urllib would take
longer to load than all of this takes to run.
"""

import socket
import sys

SECONDS = 4.0
SHOWN_CHARACTERS = 500


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body of one request to this machine. Raises OSError, or ValueError for no HTTP."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        # To its end: a server whose client has gone may call that an error of its own.
        with connection.makefile("rb") as reply:
            head, _, body = reply.read().partition(b"\r\n\r\n")
        _, code, *_ = head.split()
        return int(code), body.decode(errors="replace")


if __name__ == "__main__":
    try:
        code, said = ask(int(sys.argv[1]), sys.argv[2])
        sys.exit(said[:SHOWN_CHARACTERS] if code >= 500 else 0)
    except (OSError, ValueError) as error:
        sys.exit(f"port {sys.argv[1]}: {error}")
