"""`python -m local completion bash|zsh`: a script that completes `python -m local` in a shell.

Made from the command line itself, so that it can't fall behind it.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator

ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"
SCRIPT = """\
# eval "$(python -m local completion bash)" in ~/.bashrc, or zsh in ~/.zshrc
_python_m_local() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words=""
  COMPREPLY=()
  [[ "${{COMP_WORDS[1]}}" == -m && "${{COMP_WORDS[2]}}" == local ]] || return 0
  if [[ $COMP_CWORD -eq 3 ]]; then
    words={commands}
  else
    case "${{COMP_WORDS[3]}}" in
{cases}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o bashdefault -o default -F _python_m_local python python3
"""


def script(shell: str, main: argparse.ArgumentParser) -> str:
    """The script for `bash` or `zsh`."""
    commands = dict(_commands(main))
    cases = "\n".join(
        f"      {name}) words={shlex.quote(' '.join(_words(each)))} ;;"
        for name, each in commands.items()
    )
    text = SCRIPT.format(commands=shlex.quote(" ".join(commands)), cases=cases)
    return ZSH + text if shell == "zsh" else text


def _commands(main: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in main._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def _words(command: argparse.ArgumentParser) -> Iterator[str]:
    """Options, and the choices of what stands without one."""
    for action in command._actions:
        yield from (option for option in action.option_strings if option.startswith("--"))
        if not action.option_strings and action.choices:
            yield from map(str, action.choices)
