"""One function a command that runs a stack: takes the parsed arguments, gives the exit code.

What only some commands need is imported where it is needed: the Google clients take a second, the
event types and rich a few tenths.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from local import laptop, restoring, run, snapshots
from local.attached import Attached, attached
from local.chosen import asked
from local.ledger import Ledger
from local.logs import Logs
from local.stack import READY, Stack
from local.supervise import ROOT, Log, Supervisor
from settings import InvalidSetting

if TYPE_CHECKING:
    from rich.console import Console

    from local.edits import Edits

DEMO_WINDOW_SECONDS = "2"


def up(args: Namespace) -> int:
    """Start the stack and keep it running, or with --detach leave it running."""
    if args.detach:
        from local.detached import start

        began = time.monotonic()
        _say_ready(args, start(asked(args), _words(args)), time.monotonic() - began)
        return 0
    log = Logs(sys.stderr if args.json else sys.stdout).write
    where, fresh = asked(args), args.fresh
    restoring.take(where.data_dir)  # of a stack that was killed before it could
    is_first = True
    while True:
        began = time.monotonic()
        # Watched from the first: an edit while the stack starts is taken up as soon as it serves.
        with _edits(args) as edits, run.started(where, log, fresh=fresh) as (stack, supervisor):
            _say_ready(args, stack, time.monotonic() - began)
            if is_first:
                _show(args, stack)
            code = _watch(stack, supervisor, edits, log)
            name = restoring.take(where.data_dir)
            if name is not None:
                supervisor.kill()  # what it holds is thrown away
        if name is None:
            return code
        snapshots.load(where.data_dir, name)
        log("snapshot", f"went back to {name}")
        where, fresh = dataclasses.replace(where, ports=stack.ports), False
        is_first = False


def _show(args: Namespace, stack: Stack) -> None:
    if not args.json and not args.no_browser:
        from local import browser

        browser.show(stack.url("control_room"))


def _watch(stack: Stack, supervisor: Supervisor, edits: Edits | None, log: Log) -> int:
    """Until a part ends, whose exit code it gives, or somebody wants to go back to a snapshot."""
    back = threading.Event()  # a signal ends the stack, by Interrupted
    take_up: Callable[[], frozenset[str]] = frozenset
    if edits is not None:
        from local.watching import Watching

        take_up = Watching(
            supervisor, edits, log, lambda: stack.save(READY, supervisor.groups())
        ).look

    def look() -> frozenset[str]:
        if restoring.is_asked(stack.data_dir):
            back.set()
        return take_up()

    return supervisor.watch(back, look)


def _edits(args: Namespace) -> AbstractContextManager[Edits | None]:
    if not args.watch:
        return nullcontext()
    from local.edits import Edits

    return Edits(ROOT)


def _words(args: Namespace) -> list[str]:
    """The command line of the same stack, kept in the foreground."""
    asked = {"--fresh": args.fresh, "--watch": args.watch}
    return [word for word, given in asked.items() if given]


def _say_ready(args: Namespace, stack: Stack, seconds: float) -> None:
    urls = {process: stack.url(process) for process in stack.ports}
    ready = {"ready_seconds": round(seconds, 1), "data_dir": str(stack.data_dir), "urls": urls}
    print(json.dumps(ready) if args.json else _welcome(stack, seconds), flush=True)


def _welcome(stack: Stack, seconds: float) -> str:
    topic = stack.names.topic.rpartition("/")[2]
    where = {process: stack.url(process) for process in stack.ports}
    wide = max(map(len, where.values())) + 2
    return (
        f"\nReady in {seconds:.1f} s. Data in {stack.data_dir}\n"
        f"  page       {where['control_room']}\n"
        f"  generator  {where['generator']}/docs\n"
        f"  Pub/Sub    {where['pubsub']:{wide}}{topic}\n"
        f"  BigQuery   {where['bigquery']:{wide}}{stack.names.dataset}\n"
        f"  Storage    {where['storage']:{wide}}gs://{stack.names.bucket}\n"
        "In another terminal:\n"
        "  python -m local status           where the events are\n"
        '  eval "$(python -m local env)"    lead Python clients, gcloud and bq here\n'
    )


def demo(args: Namespace) -> int:
    """Move events through a stack of its own, or the attached one; prove that none was lost."""
    from rich.console import Console

    from local import screen

    console = Console(stderr=args.json, record=bool(args.svg), highlight=False)
    began = time.monotonic()
    there = attached()
    ledger, left = _demo_on(there, console) if there else _demo_of_its_own(args, console)
    if args.json:
        print(json.dumps(dataclasses.asdict(ledger)))
    verdict = "Nothing was lost." if ledger.balanced else f"{ledger.lost} events were LOST."
    console.print(
        f"{verdict} {time.monotonic() - began:.1f} s in all; {left}",
        style="bold green" if ledger.balanced else "bold red",
        soft_wrap=True,  # a path is never broken
    )
    if args.svg:
        screen.save_svg(console, args.svg, "make demo")
    return 0 if ledger.balanced else 1


def _demo_on(stack: Attached, console: Console) -> tuple[Ledger, str]:
    from local import demo as demonstration

    return demonstration.run(stack, None, console), "rows and files stay in the stack."


def _demo_of_its_own(args: Namespace, console: Console) -> tuple[Ledger, str]:
    data_dir = args.data_dir.absolute() if args.data_dir else asked(args).data_dir / "demo"
    of_its_own = laptop.Asked(data_dir, ports=dict.fromkeys(laptop.PORTS, 0))
    began = time.monotonic()
    console.print("Starting the emulators, the table manager, the generator and the Beam job.")
    extra = {"WINDOW_SECONDS": DEMO_WINDOW_SECONDS}
    quiet = run.started(of_its_own, lambda name, line: None, extra, fresh=True)
    with quiet as (stack, supervisor):
        console.print(f"Ready in {time.monotonic() - began:.1f} s.")
        from local import demo as demonstration

        ledger = demonstration.run(stack, supervisor, console)
    return ledger, (
        f"rows, files and logs are in {_relative(data_dir)}.\n"
        "Next: make up, then open the generator's /docs."
    )


def provision(args: Namespace) -> int:
    """Make what an empty stack needs, where the environment leads."""
    there = attached()
    if there is None:
        raise InvalidSetting("PIPELINE_URL", "is not set; `up` and `demo` provision their own")
    from local.console import keep_told
    from local.provision import provision as make

    make(there)
    if there.url("console"):
        keep_told(there)
    print(json.dumps({"provisioned": there.names.project_id}) if args.json else "provisioned")
    return 0


def down(args: Namespace) -> int:
    """Stop the running stack, or what a killed supervisor left."""
    ended = run.down(asked(args).data_dir)
    print(json.dumps({"stopped": ended}) if args.json else f"stopped {ended} processes")
    return 0


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
