"""Which stack a command means: by its options, by the environment, or the one that runs here."""

from __future__ import annotations

import dataclasses
from argparse import Namespace

import settings
from local import laptop
from local.attached import Reachable, attached
from local.stack import Stack
from local.state import running


def asked(args: Namespace) -> laptop.Asked:
    """Folder and ports as the settings say, and the option. Raises InvalidSetting."""
    here = laptop.asked()
    return dataclasses.replace(here, data_dir=args.data_dir.absolute()) if args.data_dir else here


def stack_of(args: Namespace) -> Reachable:
    """The stack that the environment leads to, or else the one that runs on the data folder."""
    return attached() or running(asked(args).data_dir, args.wait)


def connect(args: Namespace) -> Reachable:
    """The same, with this process's Google clients led to it."""
    stack = stack_of(args)
    if isinstance(stack, Stack):
        settings.adopt(stack.environ())
    return stack
