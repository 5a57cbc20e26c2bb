"""The worker: a process that answers one request after the other, until its caller is gone.

Its arguments are FD FOLDER MEMORY: its end of a socket, the folder of the machine code, and the
bytes that it may take.
"""

from __future__ import annotations

import os
import resource
import select
import sys
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from wasmtime import ExitTrap, Trap, WasmtimeError

from localgcp.bigquery.errors import BigQueryError, SqlNotSupported
from localgcp.bigquery.googlesql.reference import compiled
from localgcp.bigquery.googlesql.reference.engine import Engine, Refusal
from localgcp.bigquery.googlesql.reference.messages import (
    COMPILING,
    INTERNAL,
    INVALID_ARGUMENT,
    READY,
    UNIMPLEMENTED,
    Failed,
    Lost,
    Request,
)
from localgcp.bigquery.googlesql.reference.statement import Statements

# Bytes of an instance that has grown: it gives none back, and keeps the name of each call.
_FULL = 512 << 20


def main() -> None:
    """Serve, and leave when the caller does or the instance is lost."""
    line = Connection(int(sys.argv[1]))
    threading.Thread(target=_leave_with, args=(line.fileno(),), daemon=True).start()
    folder = Path(sys.argv[2])
    if not compiled.is_made(folder):
        line.send(COMPILING)
    statements = Statements(Engine(folder))
    memory = int(sys.argv[3])
    if memory:  # once the code is there: to compile it takes more
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (memory, hard))
    line.send(READY)
    while True:
        try:
            request = line.recv()
        except EOFError:
            return
        answer = _answer(statements, request)
        line.send(answer)
        if isinstance(answer, Lost):
            return
        if statements.size() > _FULL:
            statements = Statements(Engine(folder))


def _answer(statements: Statements, request: Request) -> Any:
    try:
        return statements.answer(request)
    except Refusal as refusal:
        return Failed(refusal.code, refusal.message)
    except SqlNotSupported as error:
        return Failed(UNIMPLEMENTED, error.message)
    except BigQueryError as error:
        return Failed(INVALID_ARGUMENT, error.message)
    except (Trap, ExitTrap, WasmtimeError, MemoryError) as error:
        return Lost(str(error).splitlines()[0] if str(error) else type(error).__name__)
    except Exception as error:  # noqa: BLE001 - a bug of ours is this statement's failure alone
        return Failed(INTERNAL, f"{type(error).__name__}: {error}")


def _leave_with(fd: int) -> None:
    """End this process once the caller's end of the socket is closed, whatever it is at."""
    watched = select.poll()
    watched.register(fd, 0)  # a hang-up is always told
    watched.poll()
    os._exit(0)
