"""Holds others' images to their digests: `python docker/digests.py`, from the checkout's root.

A tag can be moved to another image; `docker/digests.txt` has the digest that each had when it was
looked at. Asked of the registries by `docker buildx`; nothing is pulled. Ends with 1 where one has
moved or is not written down yet; `--write` writes down what they have now.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NAMED_IN = {
    Path("docker/Dockerfile"): r"^FROM (\S+:\S+)",
    Path("compose.upstream.yaml"): r"^ +image: (\S+:\S+)",
    Path("emulators/src/localgcp/testing/backends.py"): r'"(fsouza/\S+:\S+)"',
}
FILE = Path("docker/digests.txt")
HEAD = "# Written by docker/digests.py --write, verified weekly: image, digest of its index.\n"


class NotAnswered(Exception):
    """A registry did not tell an image's digest; the text is docker's."""


def images() -> Iterator[str]:
    """Every image of somebody else's that is named by a tag, each once."""
    seen = set()
    for path, pattern in NAMED_IN.items():
        for image in re.findall(pattern, path.read_text(), re.MULTILINE):
            if image not in seen:
                seen.add(image)
                yield image


def digest_of(image: str) -> str:
    """What the image's tag names now. Raises NotAnswered."""
    command = ["docker", "buildx", "imagetools", "inspect", image]
    done = subprocess.run(
        [*command, "--format", "{{json .Manifest}}"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotAnswered(f"{image}: {done.stderr.strip()}")
    return str(json.loads(done.stdout)["digest"])


def written() -> dict[str, str]:
    """What was written down, by image."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    return dict(line.split(maxsplit=1) for line in lines if line and not line.startswith("#"))


def main(args: list[str]) -> int:
    """Verify, or write; every image is told in a line."""
    before, now, wrong = written(), {}, 0
    for image in images():
        try:
            now[image] = digest_of(image)
        except NotAnswered as error:
            sys.stderr.write(f"{error}\n")
            return 2
        was = before.get(image, "not written down")
        wrong += now[image] != was
        sys.stdout.write(f"{image} {now[image]}{'' if now[image] == was else f', was {was}'}\n")
    if args == ["--write"]:
        FILE.write_text(HEAD + "".join(f"{image} {digest}\n" for image, digest in now.items()))
        return 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
