"""Opens a page of the stack where its user sits: on a terminal, beside a browser."""

from __future__ import annotations

import sys
import webbrowser

from local import laptop


def show(url: str) -> bool:
    """Open `url` if this is a terminal on a screen; gives whether a browser took it."""
    # Without a screen only a browser of text would be found, and that takes the terminal.
    if not sys.stdout.isatty() or not laptop.has_screen():
        return False
    try:
        return webbrowser.open(url)
    except webbrowser.Error:
        return False
