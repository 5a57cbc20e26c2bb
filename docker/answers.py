#!/usr/local/bin/python -IS
"""For health checks: `answers PORT PATH` ends with 0 if GET PATH there is answered below 500.

An image has no curl, and urllib would take longer to load than all of this takes to run.
"""

import socket
import sys

SECONDS = 2.0


def status(port: int, path: str) -> int:
    """The status of one request to this machine. Raises OSError, or ValueError for no HTTP."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        _, code, *_ = connection.recv(64).split()
        return int(code)


if __name__ == "__main__":
    try:
        sys.exit(status(int(sys.argv[1]), sys.argv[2]) >= 500)
    except (OSError, ValueError) as error:
        sys.exit(f"port {sys.argv[1]}: {error}")
