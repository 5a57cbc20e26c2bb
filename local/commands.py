"""One function a command: takes the parsed arguments, gives the exit code.

What only some commands need is imported where it is needed: the Google clients take a second, the
event types and rich a few tenths.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
import threading
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

import settings
from local import run
from local.attached import Attached, Reachable, attached
from local.errors import NoLogs, NotSent
from local.ledger import Ledger, read_published, reconcile
from local.logs import Logs
from local.stack import Stack
from local.state import running
from settings import InvalidSetting

if TYPE_CHECKING:
    from rich.console import Console

LOOK_SECONDS = 0.5
DEMO_WINDOW_SECONDS = "2"


def up(args: Namespace) -> int:
    """Start the stack and keep it running, or with --detach leave it running."""
    if args.detach:
        from local.detached import start

        began = time.monotonic()
        _say_ready(args, start(_asked(args), _words(args)), time.monotonic() - began)
        return 0
    log = Logs(sys.stderr if args.json else sys.stdout).write
    began = time.monotonic()
    with run.started(_asked(args), log, fresh=args.fresh) as (stack, supervisor):
        _say_ready(args, stack, time.monotonic() - began)
        return supervisor.watch(threading.Event())


def _words(args: Namespace) -> list[str]:
    """The command line of the same stack, kept in the foreground."""
    return ["--fresh"] if args.fresh else []


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
    asked = _asked(args)
    data_dir = asked.data_dir if args.data_dir else asked.data_dir / "demo"
    of_its_own = settings.Stack(data_dir, ports=dict.fromkeys(settings.PORTS, 0))
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
    from local.provision import provision as make

    make(there.names, there.url("table_manager"))
    print(json.dumps({"provisioned": there.names.project_id}) if args.json else "provisioned")
    return 0


def down(args: Namespace) -> int:
    """Stop the running stack, or what a killed supervisor left."""
    ended = run.down(_asked(args).data_dir)
    print(json.dumps({"stopped": ended}) if args.json else f"stopped {ended} processes")
    return 0


def logs(args: Namespace) -> int:
    """Show what the parts wrote last, whether they still run or not."""
    from local import tail

    there = _asked(args).data_dir / "logs"
    if not there.is_dir():
        raise NoLogs(there)
    parts = [args.part] if args.part else list(settings.PORTS)
    read = tail.follow if args.follow else tail.last
    write = _write_json_line if args.json else Logs(sys.stdout).write
    for part, line in read(there, parts, max(0, args.lines)):
        write(part, line)
    return 0


def _write_json_line(part: str, line: str) -> None:
    print(json.dumps({"part": part, "line": line}), flush=True)


def completion(args: Namespace) -> int:
    """Print a script that a shell evaluates."""
    from local.__main__ import parser
    from local.completion import script

    print(script(args.shell, parser()), end="")
    return 0


def status(args: Namespace) -> int:
    """Show where the events are."""
    stack = _stack(args)
    from local.observe import look

    if args.json:
        print(json.dumps(dataclasses.asdict(look(stack))))
        return 0
    from rich.console import Console

    from local import screen

    with screen.Progress(Console(highlight=False)) as progress:
        while True:
            progress.show(look(stack))
            if args.once:
                return 0
            time.sleep(LOOK_SECONDS)
            stack = _stack(args)


def env(args: Namespace) -> int:
    """Print what points clients at the stack."""
    environ = running(_asked(args).data_dir, args.wait).client_environ()
    if args.json:
        print(json.dumps(environ, indent=2))
    else:
        print("\n".join(f"export {name}={shlex.quote(text)}" for name, text in environ.items()))
    return 0


def send(args: Namespace) -> int:
    """Publish lines as messages."""
    attributes = dict(_attribute(each) for each in args.attribute)
    stack = _connect(args)
    from local import sending
    from local.publish import publish_each
    from local.reading import checked, read

    progress = sending.Progress(sys.stderr, checked(args.file, args.lines))
    invalid = sending.Invalid()
    said = sending.Document(sys.stdout) if args.json else sending.Words(sys.stdout)
    error: str | None = sending.INTERRUPTED
    try:
        messages = invalid.watched(read(args.file, args.lines))
        for event_id in publish_each(stack.names, messages, attributes):
            said.add(event_id)
            progress.show(said.sent)
        error = None
    except NotSent as why:
        error = str(why)
        raise
    finally:
        progress.end()
        said.end(invalid, error)
    return 0


def query(args: Namespace) -> int:
    """Run one statement against the stack's dataset."""
    from local import asking

    result = asking.warehouse(_stack(args)).query(args.sql)
    if args.json:
        for part in asking.as_json(result):
            sys.stdout.write(part)
        print()
    else:
        width = shutil.get_terminal_size().columns
        asking.show(asking.as_lines(result, width), sys.stdout, _pager())
    return 0


def sql(args: Namespace) -> int:
    """Statement after statement: at a prompt, or from a pipe."""
    from local import asking

    there = asking.warehouse(_stack(args))
    if not sys.stdin.isatty():
        return asking.run_all(there, sys.stdin)
    from local import shell

    return shell.run(there, _asked(args).data_dir / "sql_history", _pager())


def _pager() -> str | None:
    return settings.pager() or (shutil.which("less") and "less -FRSX") or None


def check(args: Namespace) -> int:
    """Ask every part, and follow one event to its row and its file."""
    stack = _connect(args)
    from local.check import check as look_at

    findings = []
    for each in look_at(stack, args.within):
        findings.append(each)
        if not args.json:
            print(f"{'ok  ' if each.ok else 'FAIL'}  {each.part:13}  {each.detail}", flush=True)
    failing = [each.part for each in findings if not each.ok]
    if args.json:
        found = [dataclasses.asdict(each) for each in findings]
        print(json.dumps({"healthy": not failing, "failing": failing, "findings": found}))
    elif failing:
        print(f"check: failing: {', '.join(failing)}", file=sys.stderr)
    return 1 if failing else 0


def ledger(args: Namespace) -> int:
    """Published events against stored ones."""
    stack = _connect(args)
    from local.stored import read_stored

    account = reconcile(read_published(stack.publish_log), read_stored(stack.names))
    if args.json:
        print(json.dumps(dataclasses.asdict(account)))
    else:
        from rich.console import Console

        from local import screen

        console = Console(highlight=False)
        console.print(screen.reasons_table(account.reasons), screen.ledger_table(account))
    return 0 if account.balanced else 1


def _asked(args: Namespace) -> settings.Stack:
    asked = settings.stack()
    return dataclasses.replace(asked, data_dir=args.data_dir.absolute()) if args.data_dir else asked


def _stack(args: Namespace) -> Reachable:
    """The stack that the environment leads to, or else the one that runs on the data folder."""
    return attached() or running(_asked(args).data_dir, args.wait)


def _connect(args: Namespace) -> Reachable:
    """The same, with this process's Google clients led to it."""
    stack = _stack(args)
    if isinstance(stack, Stack):
        settings.adopt(stack.environ())
    return stack


def _attribute(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise NotSent(f"--attribute takes KEY=VALUE; got {text!r}")
    return key, value


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
