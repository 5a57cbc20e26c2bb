"""One function a command that looks at a stack: takes the parsed arguments, gives the exit code.

What only some commands need is imported where it is needed: the Google clients take a second, the
event types and rich a few tenths.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import shutil
import sys
import time
from argparse import Namespace

from local import laptop
from local.attached import attached
from local.chosen import asked, connect, stack_of
from local.errors import NoLogs, NotSent
from local.ledger import read_published, reconcile
from local.logs import Logs
from local.state import running

LOOK_SECONDS = 0.5


def logs(args: Namespace) -> int:
    """Show what the parts wrote last, whether they still run or not."""
    from local import tail

    there = asked(args).data_dir / "logs"
    if not there.is_dir():
        raise NoLogs(there)
    parts = [args.part] if args.part else list(laptop.PORTS)
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
    stack = stack_of(args)
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
            stack = stack_of(args)


def env(args: Namespace) -> int:
    """Print what points clients at the stack."""
    folder, there = asked(args).data_dir, attached()
    if there is None:
        environ = running(folder, args.wait).client_environ()
    else:
        environ = there.client_environ(folder / "attached")
    if args.json:
        print(json.dumps(environ, indent=2))
    else:
        print("\n".join(f"export {name}={shlex.quote(text)}" for name, text in environ.items()))
    return 0


def send(args: Namespace) -> int:
    """Publish lines as messages."""
    attributes = dict(_attribute(each) for each in args.attribute)
    stack = connect(args)
    from local import sending
    from local.publish import publish_each
    from local.reading import checked, read

    progress = sending.LinesSent(sys.stderr, checked(args.file, args.lines))
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

    result = asking.warehouse(stack_of(args)).query(args.sql)
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

    there = asking.warehouse(stack_of(args))
    if not sys.stdin.isatty():
        return asking.run_all(there, sys.stdin)
    from local import shell

    return shell.run(there, asked(args).data_dir / "sql_history", _pager())


def _pager() -> str | None:
    return laptop.pager() or (shutil.which("less") and "less -FRSX") or None


def check(args: Namespace) -> int:
    """Ask every part, and follow one event to its row and its file."""
    stack = connect(args)
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
    stack = connect(args)
    from local.stored import read_stored

    account = reconcile(read_published(stack.publish_log), read_stored(stack.names))
    if args.json:
        print(json.dumps(dataclasses.asdict(account)))
    else:
        from rich.console import Console

        from local import screen

        console = Console(highlight=False)
        console.print(screen.account(account))
    return 0 if account.balanced else 1


def _attribute(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise NotSent(f"--attribute takes KEY=VALUE; got {text!r}")
    return key, value
