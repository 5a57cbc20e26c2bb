"""Tab in a real shell."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from local import laptop
from local.__main__ import parser
from local.completion import script

ASK = """
COMP_WORDS=({words} "")
COMP_CWORD={count}
COMP_WORDS[COMP_CWORD]="{last}"
_python_m_local
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "last", "found"),
    [
        ("python -m local", "se", ["send"]),
        ("python -m local", "st", ["status"]),
        (
            "python -m local up",
            "--",
            ["--help", "--json", "--data-dir", "--detach", "--fresh", "--no-browser"],
        ),
        ("python -m local logs", "p", ["pubsub", "pipeline"]),
        ("python -m local logs", "", [*laptop.PORTS]),
        ("python -m local completion", "z", ["zsh"]),
        ("python -m other", "se", [""]),
    ],
)
def test_bash_completes_commands_options_and_choices(
    words: str, last: str, found: list[str]
) -> None:
    ask = ASK.format(words=words, count=len(words.split()), last=last)
    done = subprocess.run(
        ["bash", "-eu", "-c", script("bash", parser()) + ask],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(found) <= set(done.stdout.split("\n"))
    assert all(each.startswith(last) for each in done.stdout.split())


def test_zsh_takes_the_same_script() -> None:
    assert script("zsh", parser()).endswith(script("bash", parser()))
    assert "bashcompinit" in script("zsh", parser())
