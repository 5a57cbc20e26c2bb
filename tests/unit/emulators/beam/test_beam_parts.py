"""What the durable engine asks of Beam's insides, so that another Beam fails here and by name."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest
from apache_beam.transforms.window import GlobalWindows

from localgcp.beam.durable import beam_parts

DURABLE = Path(beam_parts.__file__).parent


@pytest.mark.parametrize(
    ("part", "parameters"),
    [
        (
            beam_parts.BundleProcessor.__init__,
            "runner_capabilities process_bundle_descriptor state_handler data_channel_factory",
        ),
        (beam_parts.BundleProcessor.process_bundle, "instruction_id"),
        (beam_parts.BundleProcessor.try_split, "bundle_split_request"),
        (beam_parts.CachingStateHandler.blocking_get, "state_key coder"),
        (beam_parts.CachingStateHandler.extend, "state_key coder elements"),
        (beam_parts.CachingStateHandler.clear, "state_key"),
        (beam_parts.ClosableOutputStream.create, "close_callback flush_callback"),
        (beam_parts.DataChannel.input_elements, "instruction_id expected_inputs"),
        (beam_parts.DataChannel.output_stream, "instruction_id transform_id"),
        (
            beam_parts.DataChannel.output_timer_stream,
            "instruction_id transform_id timer_family_id",
        ),
        (
            beam_parts.translations.create_and_optimize_stages,
            "pipeline_proto phases known_runner_urns",
        ),
        (beam_parts.GeneralTriggerDriver.process_elements, "state windowed_values"),
    ],
    ids=lambda value: getattr(value, "__qualname__", None),
)
def test_it_is_called_as_it_wants_to_be(part: Any, parameters: str) -> None:
    own = [name for name in inspect.signature(part).parameters if name != "self"]
    assert own[: len(parameters.split())] == parameters.split()


@pytest.mark.parametrize(
    "phase",
    [
        *("annotate_downstream_side_inputs", "fix_side_input_pcoll_coders", "pack_combiners"),
        *("lift_combiners", "expand_sdf", "expand_gbk", "sink_flattens", "greedily_fuse"),
        *("read_to_impulse", "impulse_to_input", "sort_stages", "setup_timer_mapping"),
        *("add_impulse_to_dangling_transforms", "populate_data_channel_coders"),
    ],
)
def test_a_phase_takes_stages_and_a_context(phase: str) -> None:
    found = getattr(beam_parts.translations, phase)
    assert list(inspect.signature(found).parameters)[:2] in (
        ["stages", "pipeline_context"],
        ["stages", "context"],
    )


def test_states_are_kept_as_lists_by_window_and_tag() -> None:
    state = beam_parts.InMemoryUnmergedState()
    window = GlobalWindows.windowed_value(None).windows[0]
    state.add_state(window, beam_parts.GeneralTriggerDriver.ELEMENTS, "a")
    assert state.state[window][beam_parts.GeneralTriggerDriver.ELEMENTS.tag] == ["a"]


def test_no_other_module_reaches_into_beams_runners() -> None:
    for module in DURABLE.glob("*.py"):
        if module.name == "beam_parts.py":
            continue
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("apache_beam.runners"), module.name
