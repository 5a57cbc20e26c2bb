"""SIGTERM, Ctrl-C and a closed terminal drain the job; a second one ends the process at once."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)


class DrainOnSignal:
    """Installs the handlers, and puts back what was there before."""

    def __init__(self, drain: Callable[[], None]) -> None:
        self._drain = drain
        self._before: dict[int, signal._HANDLER] = {}

    def install(self) -> None:
        """Take the signals over; only the main thread can, in another it does nothing."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup
            self._before[number] = signal.signal(number, self._received)

    def restore(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _received(self, number: int, frame: FrameType | None) -> None:
        for each in self._before:
            signal.signal(each, self._again)
        log.warning("%s: draining; a second one ends the job at once", signal.Signals(number).name)
        self._drain()

    @staticmethod
    def _again(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
