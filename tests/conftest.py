"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes depends on who else uses the machine; a test here is never about time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
