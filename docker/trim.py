#!/usr/local/bin/python -I
"""For images: `trim` deletes what packages bring and nothing here imports.

Each line of WASTE is a glob in site-packages; one that finds nothing any more fails the build, so
that the list stays true. A package that is not in the image is passed over; one is there at least.
"""

import shutil
import sys
import sysconfig
from pathlib import Path

DISCOVERY = "googleapiclient/discovery_cache/documents"
KEPT = {"bigquery.v2.json"}
"""The one document that the BigQuery emulator serves."""
WASTE = (
    f"{DISCOVERY}/*.json",
    # Arrow's RPC, its headers and its sources: a reader of Parquet loads none of them.
    "pyarrow/*flight*",
    "pyarrow/include",
    "pyarrow/tests",
    "pyarrow/*.pyx",
    "pyarrow/*.pxi",
    # Copies of one library, in the place of links; the one named by its soname is loaded.
    "pyarrow/libarrow_python.so",
    "pyarrow/libarrow_python.so.*.*.*",
    "numpy/*/tests",
    # The other backend, for PyPy.
    "zstandard/_cffi*",
    "apache_beam/examples",
    "apache_beam/**/*_test.py",
    "apache_beam/**/*_test.*.pyc",
    # Beam wants them for images and for MongoDB over SRV records, and loads them for nothing else.
    "PIL",
    "pillow.libs",
    "dns",
    # ICU's code: what is read is its data.
    "icu",
    "pyicu_wheels.libs/libicui18n*",
    "pyicu_wheels.libs/libicuuc*",
)


def main() -> int:
    """Delete, and say how much."""
    packages, freed = Path(sysconfig.get_path("purelib")), 0
    for pattern in WASTE:
        if not (packages / pattern.partition("/")[0]).is_dir():
            continue
        found = [each for each in packages.glob(pattern) if each.name not in KEPT]
        if not found:
            sys.stderr.write(f"trim: nothing matches {pattern} in {packages}\n")
            return 1
        freed += sum(map(_remove, found))
    if not freed:
        sys.stderr.write(f"trim: none of the packages is in {packages}\n")
        return 1
    sys.stdout.write(f"trimmed {freed / 1e6:.0f} MB\n")
    return 0


def _remove(path: Path) -> int:
    """The bytes that it had."""
    if not path.is_dir():
        size = path.stat().st_size
        path.unlink()
        return size
    size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    shutil.rmtree(path)
    return size


if __name__ == "__main__":
    sys.exit(main())
