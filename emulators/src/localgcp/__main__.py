"""`localgcp COMMAND`: the emulators, alone or together, and your Beam scripts on the local runner.

An emulator answers programs on this machine, and no web page. --allow-host, --allow-origin and
--allow-push name more; ALLOW_HOST, ALLOW_ORIGIN and ALLOW_PUSH do the same, with commas between.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from localgcp import environment, logs, private
from localgcp.base import LOOPBACK, Emulator, EmulatorError
from localgcp.emulators import CLASSES, build
from localgcp.environment import InvalidVariable
from localgcp.guard import Allowed
from localgcp.together import PROJECT, NobodyAnswers, env, led, started, until_signalled, up, watch


class Version(argparse.Action):
    """Prints the version that is installed, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> NoReturn:
        """Imported late, for it takes longer than the rest of the command line."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("localgcp")
        except PackageNotFoundError:
            found = "not installed: run from its source"
        sys.stdout.write(f"localgcp {found}, Python {platform.python_version()}\n")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The command line: a command for each emulator, and `run` for a Beam script."""
    args = argparse.ArgumentParser(prog="localgcp", description=__doc__)
    nothing = argparse.SUPPRESS
    args.add_argument(
        "--version",
        action=Version,
        nargs=0,
        dest=nothing,
        default=nothing,
        help="show the version, and end",
    )
    commands = args.add_subparsers(dest="name", required=True, metavar="COMMAND")
    for name in CLASSES:
        _own_options(name, _served(commands.add_parser(name, help=f"the {name} emulator, alone")))
    up = commands.add_parser("up", help="all emulators, until Ctrl-C")
    _kept(up)
    env = commands.add_parser("env", help="what points clients, gcloud, bq and gsutil at them")
    env.add_argument("--json", action="store_true", help="as JSON, not as shell exports")
    env.add_argument("--project", default=PROJECT, help="project id of the clients (%(default)s)")
    env.add_argument(
        "--files",
        type=Path,
        default=Path(".localgcp"),
        help="folder for the files that some clients read (%(default)s)",
    )
    run = commands.add_parser("run", help="a Beam script of yours on the local runner, unchanged")
    run.add_argument("script", type=Path, help="path of the Python file")
    run.add_argument("args", nargs=argparse.REMAINDER, help="what the script takes itself")
    return args


def _served(args: argparse.ArgumentParser) -> argparse.ArgumentParser:
    args.add_argument("--host", default=LOOPBACK, help="address to listen on (%(default)s)")
    args.add_argument("--port", type=int, default=0, help="0 takes a free one, which is printed")
    return _kept(args)


def _kept(args: argparse.ArgumentParser) -> argparse.ArgumentParser:
    args.add_argument(
        "--data-dir", type=Path, help="keep state here, for you alone; without it, nothing is kept"
    )
    for what, whom in _ALLOW.items():
        args.add_argument(
            f"--allow-{what}", action="append", default=[], metavar=what.upper(), help=whom
        )
    return args


def _own_options(name: str, args: argparse.ArgumentParser) -> None:
    """What one emulator alone takes; each becomes an argument of its class, if it is given."""
    own = args.add_argument_group("its own")
    if name == "pubsub":
        _pubsub_options(own)
    if name == "bigquery":
        own.add_argument(
            "--memory-limit",
            type=_mebibytes,
            metavar="MIB",
            default=argparse.SUPPRESS,
            help="memory for DuckDB, which spills more to disk (954); the process may grow by "
            "twice that in queries before they are ended",
        )
        own.add_argument(
            "--storage",
            metavar="HOST:PORT",
            default=argparse.SUPPRESS,
            help="where jobs read and write gs:// objects; else by STORAGE_EMULATOR_HOST",
        )
    if name == "console":
        own.add_argument(
            "--logs",
            type=Path,
            default=argparse.SUPPRESS,
            help="folder of the files NAME.log that the facts name; without it, no lines of theirs",
        )
    if name == "storage":
        own.add_argument(
            "--pubsub",
            metavar="HOST:PORT",
            default=argparse.SUPPRESS,
            help="where its buckets' notifications go; without it they are refused",
        )


def _pubsub_options(own: argparse._ArgumentGroup) -> None:
    own.add_argument(
        "--fsync",
        choices=("always", "interval", "never"),
        default=argparse.SUPPRESS,
        help="when a change outlives a power cut: before it is answered, within a second, or "
        "when the kernel likes (default); a kill loses nothing in any case",
    )
    own.add_argument(
        "--salvage",
        action="store_true",
        default=argparse.SUPPRESS,
        help="go on with what reads back of a damaged journal, and keep the rest aside",
    )
    for other in ("bigquery", "storage"):
        own.add_argument(
            f"--{other}",
            metavar="HOST:PORT",
            default=argparse.SUPPRESS,
            help=f"where subscriptions into {other} are written; else by "
            f"{other.upper()}_EMULATOR_HOST",
        )


def _mebibytes(text: str) -> int:
    """A number of MiB as bytes. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) < _LEAST_MIB:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {_LEAST_MIB}")
    return int(text) * 1024 * 1024


_LEAST_MIB = 32
_ALLOW = {
    "host": "a name by which it may be asked, beside this machine's own; may be given again",
    "origin": "a page that may ask it, as SCHEME://HOST[:PORT]; may be given again",
    "push": "a host that Pub/Sub may push to, beside this machine; may be given again",
}


def allowed(
    named: Mapping[str, Sequence[str]], environ: Mapping[str, str] | None = None
) -> Allowed:
    """What the command line and the environment name together."""
    both = {what: [*named[what], *environment.allowed(what, environ)] for what in _ALLOW}
    return Allowed.of(both["host"], both["origin"], both["push"])


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    args = vars(parser().parse_args(argv))
    name = args.pop("name")
    try:
        if name == "run":
            return _run(args["script"], args["args"])
        if name == "env":
            return _env(args["files"], args["project"], args["json"])
        named = {what: args.pop(f"allow_{what}") for what in _ALLOW}
        logs.to_stderr()
        with private.files():
            if name == "up":
                return up(args["data_dir"], allowed(named))
            shared = {key: args.pop(key) for key in ("host", "port", "data_dir")}
            return serve(build(name, **shared, allowed=allowed(named), **args))
    except (InvalidVariable, NobodyAnswers, EmulatorError, OSError) as error:
        sys.stderr.write(f"localgcp: {error}\n")
        return 2


def _env(folder: Path, project: str, as_json: bool) -> int:
    found = env(folder, project)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        lines = (f"export {name}={shlex.quote(text)}\n" for name, text in found.items())
        sys.stdout.write("".join(lines))
    return 0


def _run(script: Path, args: list[str]) -> int:
    with led() as environ:
        environment.adopt(environ)
        # Imported late: Beam reads some of the environment as it is imported.
        from localgcp.beam.script import NoScript, run

        try:
            return run(script, args)
        except NoScript as error:
            sys.stderr.write(f"localgcp: {error}\n")
            return 2


def serve(emulator: Emulator) -> int:
    """Serve until SIGTERM, SIGINT or SIGHUP; answer 1 if the server ended by itself.

    Prints one JSON line, with the address, once it listens. Raises PortBusy, StartFailed.
    """
    asked = until_signalled()
    with started([emulator]):
        ready = {"listening": emulator.name, "port": emulator.port, "env": emulator.env()}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        return watch([emulator], asked)


if __name__ == "__main__":
    sys.exit(main())
