"""The commands that act on a stack: `chaos` throws faults, `snapshot` keeps its whole state."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from local import laptop
from local.chosen import asked, stack_of
from local.errors import NotDone
from local.wire import Refused

Add = Callable[[str, str], argparse.ArgumentParser]


def chaos_options(add: Add) -> None:
    """The verbs of `chaos`."""
    add("list", "the named faults, and which are on")
    add("on", "throw a named fault").add_argument("name", metavar="NAME")
    add("off", "take one back; without NAME all").add_argument("name", nargs="?", metavar="NAME")
    campaign = add("run", "a campaign of faults against a stack of its own, by a seed")
    campaign.add_argument("--seed", type=int, default=1, help="which order (default: 1)")
    campaign.add_argument("--rounds", type=int, help="how many; all kinds once if absent")
    campaign.add_argument(
        "--rate", type=int, default=200, metavar="N", help="events a second (default: 200)"
    )
    campaign.add_argument(
        "--only", default="", metavar="TEXT", help="the faults with TEXT in their names"
    )
    throw = add("throw", "a fault of your own")
    throw.add_argument("part", metavar="PART", help="pubsub, bigquery or storage")
    throw.add_argument("match", help="a gRPC method or an HTTP verb and path, * for anything")
    throw.add_argument("--code", default="", help="such as UNAVAILABLE")
    throw.add_argument("--effect", default="", help="what this emulator alone does, such as reset")
    throw.add_argument("--rate", type=float, default=1.0, help="of the calls, 0 to 1")
    throw.add_argument("--times", type=int, help="how many calls, then it is over")
    throw.add_argument("--delay-seconds", type=float, default=0.0)


def snapshot_options(add: Add) -> None:
    """The verbs of `snapshot`."""
    add("save", "keep all of a stack's state, while it runs or not").add_argument("name")
    load = add("load", "go back to one; the stack has to be down, or --restart is given")
    load.add_argument("name")
    load.add_argument(
        "--restart", action="store_true", help="take a running stack down for it, and up again"
    )
    add("list", "the newest first")


def chaos(args: Namespace) -> int:
    """Do one verb of `chaos`, and say what is on."""
    from local import chaos as faults

    if args.verb == "run":
        return _campaign(args)
    stack = stack_of(args)
    try:
        if args.verb == "throw":
            own = {"match": args.match, "code": args.code, "rate": args.rate, "times": args.times}
            more = {"delay_seconds": args.delay_seconds, "effect": args.effect}
            faults.throw(stack, args.part, {**own, **more})
        elif args.verb == "off" and args.name is None:
            faults.clear(stack)
        elif args.verb != "list":
            faults.turn(stack, args.name, args.verb == "on")
        switches, thrown = faults.state(stack), faults.thrown(stack)
    except Refused as error:
        raise NotDone(str(error)) from error
    if args.json:
        print(json.dumps({"switches": switches, "thrown": thrown}))
        return 0
    for each in switches:
        on = f"on, met {each['met']:,}" if each["on"] else "off"
        print(f"{each['name']:16} {on:14} {each['about']}")
    return 0


def _campaign(args: Namespace) -> int:
    """Exit code 1 if anything was lost or changed."""
    from local.campaign import HEADINGS, Campaign, Round, thrown_here
    from local.hazards import Fault, named, planned

    folder = args.data_dir.absolute() if args.data_dir else asked(args).data_dir / "chaos"
    of_its_own = laptop.Asked(folder, ports=dict.fromkeys(laptop.PORTS, 0))

    def skipped(fault: Fault, why: str) -> None:
        print(f"not thrown: {fault}: {why}", file=sys.stderr)

    def say(each: Round) -> None:
        print(json.dumps(dataclasses.asdict(each)) if args.json else each, flush=True)

    rounds = planned(args.seed, args.rounds, thrown_here(named(args.only), skipped))
    if not args.json:
        print(HEADINGS, flush=True)
    account = Campaign(of_its_own, args.seed, args.rate, lambda name, line: None, say).run(rounds)
    verdict = f"published {account.published:,}, lost {account.lost:,}, changed {account.changed:,}"
    print(json.dumps(dataclasses.asdict(account)) if args.json else verdict)
    return 0 if account.balanced else 1


def snapshot(args: Namespace) -> int:
    """Do one verb of `snapshot`."""
    from local import snapshots
    from local.attached import attached
    from local.state import is_held, running

    folder = asked(args).data_dir
    if attached() is not None:
        raise NotDone("a stack of containers keeps its state in volumes: docker has them")
    if args.verb == "list":
        return _told(args, [snapshots.as_json(each) for each in snapshots.all_of(folder)])
    if args.verb == "save":
        stack = running(folder, args.wait) if is_held(folder) else None
        return _told(args, snapshots.as_json(snapshots.save(folder, stack, args.name)))
    if args.restart and is_held(folder):
        from local import restoring

        return _told(args, snapshots.as_json(restoring.load(folder, args.name)))
    return _told(args, snapshots.as_json(snapshots.load(folder, args.name)))


def _told(args: Namespace, found: Any) -> int:
    if args.json:
        print(json.dumps(found))
        return 0
    for each in found if isinstance(found, list) else [found]:
        still = f"  stood still {each['seconds']} s" if each["seconds"] else ""
        print(f"{each['name']:24} {each['taken']}  {each['size']:>12,} bytes{still}")
    return 0
