"""What pytest loads to run Beam's own tests, on LocalRunner or on a stock local runner.

On ours a test of exceptions.txt must fail, and every other must pass. On a stock runner those tests
alone run: what is said to pass there must, and what is said to pass nowhere must not.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner, SwitchingDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from localgcp import clients
from localgcp.beam import LocalRunner
from localgcp.beam.options import LocalRunnerOptions
from tests.beam import exceptions, modules

OURS = "ours"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--beam-runner", choices=(OURS, *exceptions.STOCK), default=OURS)
    parser.addoption("--shard", default="1/1", help="N/M: the Nth of M parts of the modules")


def pytest_configure(config: pytest.Config) -> None:
    _sign_in(config)
    chosen = config.getoption("--beam-runner")
    if chosen == OURS:
        for stock in (SwitchingDirectRunner, BundleBasedDirectRunner, FnApiRunner):
            stock.run_pipeline = _run_on_ours
    else:
        # Without Prism, which is first looked for on the network.
        made = BundleBasedDirectRunner if chosen == "bundles" else FnApiRunner
        SwitchingDirectRunner.run_pipeline = lambda _, pipeline, options: made().run_pipeline(
            pipeline, options
        )


def _sign_in(config: pytest.Config) -> None:
    """Beam's tests of BigQuery replace its requests, not the login and the project behind them."""
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    file = Path(folder.name) / "credentials.json"
    file.write_text(json.dumps(clients.CREDENTIALS))
    os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(file)
    os.environ["GOOGLE_CLOUD_PROJECT"] = "beam-tests"


def _run_on_ours(stock: Any, pipeline: Any, options: Any) -> Any:
    """Run it on LocalRunner, whichever stock runner the test made."""
    if isinstance(stock, LocalRunner):
        return LocalRunner.run_pipeline(stock, pipeline, options)
    runner = LocalRunner(is_drain=getattr(stock, "_is_drain", False))
    if not isinstance(stock, BundleBasedDirectRunner):
        # FnApiRunner, which is also what the default chooses for them, tries no bundle again.
        options.view_as(LocalRunnerOptions).bounded_attempts = 1
    result = runner.run_pipeline(pipeline, options)
    if isinstance(stock, FnApiRunner):
        stock._latest_run_result = result
        result.wait_until_finish()  # as its own does
    return result


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.is_dir() or modules.WHEEL not in collection_path.parents:
        return None
    path = str(collection_path.relative_to(modules.WHEEL))
    part, parts = map(int, config.getoption("--shard").split("/"))
    return path not in modules.chosen()[part - 1 :: parts]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    allowed = exceptions.read(exceptions.FILE.read_text())
    chosen = config.getoption("--beam-runner")
    kept = [item for item in items if _name(item).split("::")[1] not in modules.OUT_CLASSES]
    if chosen != OURS:
        kept = [
            item
            for item in kept
            if (known := allowed.get(_name(item))) and known.passes in (chosen, exceptions.NOWHERE)
        ]
    for item in kept:
        known = allowed.get(_name(item))
        if known and (chosen == OURS or known.passes == exceptions.NOWHERE):
            item.add_marker(pytest.mark.xfail(reason=known.reason, strict=True))
    _check_that_all_are_there(allowed, items)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _check_that_all_are_there(
    allowed: dict[str, exceptions.Allowed], items: list[pytest.Item]
) -> None:
    """A name of the list that Beam has no longer is an error."""
    names = {_name(item) for item in items}
    collected = {name.split("::")[0] for name in names}
    gone = [name for name in allowed if name.split("::")[0] in collected and name not in names]
    if gone:
        raise pytest.UsageError(f"{exceptions.FILE.name}: no such tests: {', '.join(gone)}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A part of which nothing may fail leaves a stock runner nothing to do."""
    nothing = exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED
    if nothing and session.config.getoption("--beam-runner") != OURS:
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counted = modules.counted()
    terminalreporter.write_line(f"{sum(counted.values())} test modules in Beam's wheel:")
    for reason, count in counted.most_common():
        terminalreporter.write_line(f"{count:5} {reason}")


def _name(item: pytest.Item) -> str:
    """The test's name in the list: its module's path in the wheel, class and function."""
    path = item.path.relative_to(modules.WHEEL)
    return "::".join([str(path), *item.nodeid.split("::")[1:]])
