"""`python -m local trace`: one event's way, for a person or as JSON."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.chosen import stack_of

if TYPE_CHECKING:
    from local.trace import Trace


def trace(args: Namespace) -> int:
    """Show the hops of one event; exit code 1 where no part knows it."""
    from local.trace import UNKNOWN
    from local.trace import trace as follow

    found = follow(stack_of(args), args.event_id)
    if args.json:
        print(json.dumps(found.as_json()))
    else:
        print("\n".join(lines(found)))
    return 1 if found.state == UNKNOWN else 0


def lines(found: Trace) -> Iterator[str]:
    """The way as lines: since the first hop, the time in UTC, what, where."""
    kind = f"{found.event_type} " if found.event_type else ""
    yield f"{kind}{found.event_id}: {found.state.replace('_', '-')}"
    if not found.hops:
        return
    first = found.hops[0].at
    wide = max(len(hop.what) for hop in found.hops)
    for hop in found.hops:
        moment = datetime.fromtimestamp(hop.at, UTC)
        since = f"+{hop.at - first:.3f} s"
        yield f"  {since:>12}  {moment:%H:%M:%S.%f}  {hop.what:{wide}}  {hop.detail}".rstrip()
    for row in found.rows:
        yield f"  row    {row['table']}"
    for place in found.files:
        yield f"  file   {place.name}, line {place.line}"
