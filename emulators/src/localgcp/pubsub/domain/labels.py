"""Labels of a topic or subscription: what may be one (page "Create and update labels")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from localgcp.pubsub.errors import InvalidArgument

MAX_LABELS = 64

# Letters of any script, but none that has a lower case and is not in it.
_KEY = re.compile(r"[^\W\d_][\w\-]{0,62}")
_VALUE = re.compile(r"[\w\-]{0,63}")


def check(labels: Mapping[str, str]) -> None:
    """Hold labels against the rules. Raises InvalidArgument naming the label that breaks a rule."""
    if len(labels) > MAX_LABELS:
        raise InvalidArgument(f"There are {len(labels)} labels, more than {MAX_LABELS}.")
    for key, value in labels.items():
        if not _KEY.fullmatch(key) or key != key.lower() or key.startswith("goog"):
            raise InvalidArgument(
                f"Invalid label key: {key!r}; it has 1 to 63 lower-case letters, digits, _ or -, "
                "begins with a letter and not with 'goog'."
            )
        if not _VALUE.fullmatch(value) or value != value.lower():
            raise InvalidArgument(
                f"Invalid value of the label {key}: {value!r}; it has at most 63 lower-case "
                "letters, digits, _ or -."
            )
