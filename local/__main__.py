"""The developer's commands: `python -m local COMMAND`; `--help` tells each."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local import acting, commands, dlq, following, laptop, looking, overseeing
from local.errors import LocalError
from local.run import Interrupted, signals_raise
from localgcp import private
from settings import InvalidSetting

MODULES = (commands, looking, following, dlq, acting, overseeing)
"""Where the commands are, each a function of its name."""


def seconds(text: str) -> float:
    """A length of time. Raises ValueError, which argparse tells with the option's name."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def number(text: str) -> int:
    """A whole number from 1. Raises ValueError, which argparse tells with the option's name."""
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


Add = Callable[[str, str], argparse.ArgumentParser]


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="for a script: one JSON document")
    common.add_argument("--data-dir", type=Path, help="the stack's folder (LOCAL_DATA_DIR)")
    looking = argparse.ArgumentParser(add_help=False)
    looking.add_argument(
        "--wait",
        type=seconds,
        default=0.0,
        metavar="SECONDS",
        help="wait so long at most for a stack that starts",
    )
    add_to = main.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, about: str) -> argparse.ArgumentParser:
        return add_to.add_parser(name, help=about, description=about, parents=[common])

    def add_looking(name: str, about: str) -> argparse.ArgumentParser:
        return add_to.add_parser(name, help=about, description=about, parents=[common, looking])

    looks = [common, looking]
    _add_running(add)
    _add_looking(add_looking)
    _add_verbs(add_to, "dlq", "dead letters: list, show, count, edit, redrive", dlq.options, looks)
    _add_verbs(add_to, "chaos", "throw faults, and take them back", acting.chaos_options, looks)
    about = "keep a stack's whole state, and go back to it"
    _add_verbs(add_to, "snapshot", about, acting.snapshot_options, looks)
    about = "what each event type is under, and what a change would break"
    _add_verbs(add_to, "contract", about, overseeing.contract_options, looks)
    about = "look into topics and subscriptions, publish, seek, purge"
    _add_verbs(add_to, "topics", about, overseeing.topics_options, looks)
    return main


def _add_verbs(
    add_to: Any, name: str, about: str, options: Callable[[Add], None], parents: list[Any]
) -> None:
    """A command that has verbs of its own."""
    verbs = add_to.add_parser(name, help=about, description=about).add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    options(lambda verb, what: verbs.add_parser(verb, help=what, description=what, parents=parents))


def _add_running(add: Add) -> None:
    up = add("up", "start the stack and keep it running; Ctrl-C drains it")
    up.add_argument(
        "--detach", action="store_true", help="return once it serves, and leave it running"
    )
    up.add_argument("--no-browser", action="store_true", help="do not open the control room's page")
    up.add_argument(
        "--watch", action="store_true", help="start a part again when its code is edited"
    )
    up.add_argument("--fresh", action="store_true", help="forget all data of earlier runs first")
    demo = add("demo", "move events through a stack of its own, and prove that none was lost")
    demo.add_argument("--svg", type=Path, help="save what it showed as a picture")
    add("provision", "make topics, bucket and dataset in the stack that PIPELINE_URL attaches")
    add("down", "stop the running stack")
    logs = add("logs", "show what the parts wrote last; all of them, or one")
    logs.add_argument("part", nargs="?", choices=tuple(laptop.PORTS), metavar="PART")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as they write more")
    logs.add_argument(
        "-n", "--lines", type=int, default=20, metavar="N", help="of each part (default: 20)"
    )
    completion = add("completion", 'for your shell: eval "$(python -m local completion bash)"')
    completion.add_argument("shell", choices=("bash", "zsh"))


def _add_looking(add: Add) -> None:
    status = add("status", "show where the events are, live")
    status.add_argument("--once", action="store_true", help="look once")
    add("env", 'export lines for clients, gcloud and bq: eval "$(python -m local env)"')
    send = add("send", "publish each line of a file as a message, exactly as it stands")
    send.add_argument("file", help="a file's path, .gz too, or - for standard input")
    send.add_argument(
        "--lines",
        action="store_true",
        help="a line is a message, whatever it holds; else a JSON object may take several",
    )
    send.add_argument(
        "--attribute",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="add this attribute to every message; may be given again",
    )
    add("query", "run GoogleSQL; table names need no dataset").add_argument("sql")
    add("sql", "a prompt for GoogleSQL, with history and completion; or statements from a pipe")
    check = add("check", "ask every part, follow one event; exit code 1 names what fails")
    check.add_argument(
        "--within",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long the event may take to its row and its file (default: %(default)g)",
    )
    trace = add("trace", "one event's way, hop by hop; exit code 1 if no part knows it")
    trace.add_argument("event_id", metavar="EVENT_ID")
    add("alerts", "the cloud's alert rules, evaluated here; exit code 1 if one fires")
    seed = add("seed", "fill the days before today with events, by load jobs")
    seed.add_argument("days", type=number, metavar="DAYS")
    seed.add_argument(
        "--per-day", type=number, default=300, metavar="N", help="of each type (default: 300)"
    )
    add("ledger", "published events against stored ones; exit code 1 if any is lost")


def _function(command: str) -> Callable[[argparse.Namespace], int]:
    module = next(each for each in MODULES if hasattr(each, command))
    function: Callable[[argparse.Namespace], int] = getattr(module, command)
    return function


def main(argv: list[str] | None = None) -> int:
    """Run one command; gives its exit code. 2 for an error, told in one line."""
    args = parser().parse_args(argv)
    try:
        with signals_raise(), private.files():
            code: int = _function(args.command)(args)
            return code
    except (LocalError, InvalidSetting) as error:
        print(f"{args.command}: {error}", file=sys.stderr)
        return 2
    except Interrupted:
        return 0
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    code = main()
    # Else the end looks through all that was imported, for a sixth of a short command's time.
    # DuckDB tells of leaks where its types are frozen.
    if "duckdb" not in sys.modules:
        gc.freeze()
    sys.exit(code)
