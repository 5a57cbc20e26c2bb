"""`python -m localgcp NAME [--host H] [--port P] [--data-dir DIR]`: one emulator, alone.

It answers programs on this machine, and no web page. --allow-host, --allow-origin and --allow-push
name more; ALLOW_HOST, ALLOW_ORIGIN and ALLOW_PUSH do the same, with commas between.
"""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from localgcp import environment
from localgcp.base import LOOPBACK, Emulator, EmulatorError
from localgcp.guard import NOBODY_ELSE, Allowed

# Imported by name, so that starting one does not load the others.
CLASSES = {
    "pubsub": "localgcp.pubsub.emulator:PubSubEmulator",
    "bigquery": "localgcp.bigquery.emulator:BigQueryEmulator",
    "storage": "localgcp.storage.emulator:StorageEmulator",
}


def build(
    name: str,
    host: str,
    port: int,
    data_dir: Path | None,
    allowed: Allowed = NOBODY_ELSE,
    **own: str | None,
) -> Emulator:
    """Make the emulator called `name`, not yet started; `own` is what that one alone takes.

    Raises KeyError for an unknown name.
    """
    module, _, cls = CLASSES[name].partition(":")
    emulator: Emulator = getattr(importlib.import_module(module), cls)(
        host=host, port=port, data_dir=data_dir, allowed=allowed, **own
    )
    return emulator


def parser() -> argparse.ArgumentParser:
    """The command line of one emulator."""
    args = argparse.ArgumentParser(prog="python -m localgcp", description=__doc__)
    args.add_argument("name", choices=sorted(CLASSES))
    args.add_argument("--host", default=LOOPBACK, help="address to listen on (%(default)s)")
    args.add_argument("--port", type=int, default=0, help="0 takes a free one, which is printed")
    args.add_argument("--data-dir", type=Path, help="keep state here; without it, nothing is kept")
    args.add_argument(
        "--pubsub",
        metavar="HOST:PORT",
        help="storage alone: where its buckets' notifications go; without it they are refused",
    )
    for what, whom in _ALLOW.items():
        args.add_argument(
            f"--allow-{what}", action="append", default=[], metavar=what.upper(), help=whom
        )
    return args


_ALLOW = {
    "host": "a name by which it may be asked, beside this machine's own; may be given again",
    "origin": "a page that may ask it, as SCHEME://HOST[:PORT]; may be given again",
    "push": "a host that Pub/Sub may push to, beside this machine; may be given again",
}


def allowed(args: argparse.Namespace, environ: Mapping[str, str] | None = None) -> Allowed:
    """What the command line and the environment name together."""
    named = {w: [*getattr(args, f"allow_{w}"), *environment.allowed(w, environ)] for w in _ALLOW}
    return Allowed.of(named["host"], named["origin"], named["push"])


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP; answer 1 if the server ended by itself.

    Prints one JSON line, with the address, once it listens.
    """
    asked = parser()
    args = asked.parse_args(argv)
    if args.pubsub and args.name != "storage":
        asked.error(f"--pubsub is for storage alone, not for {args.name}")
    own = {"pubsub": args.pubsub} if args.pubsub else {}
    asked_to_stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signum != signal.SIGHUP or signal.getsignal(signum) != signal.SIG_IGN:  # nohup
            signal.signal(signum, lambda *_: asked_to_stop.set())
    emulator = build(args.name, args.host, args.port, args.data_dir, allowed(args), **own)
    try:
        emulator.start()
    except EmulatorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    ready = {"listening": emulator.name, "port": emulator.port, "env": emulator.env()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    while not asked_to_stop.wait(0.5):
        if not emulator.alive():
            sys.stderr.write(f"{emulator.name} ended by itself\n")
            return 1
    emulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
