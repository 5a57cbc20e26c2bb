"""Translates a pipeline into stages, by Beam's own translations.

They are the phases of its FnApiRunner, with two differences. A read of Pub/Sub and a TestStream are
impulses that go on, fed by the engine. And a ParDo with side inputs begins a stage, so that the
engine sees its elements' windows and can let them wait.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from typing import Any

from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import DebugOptions, TypeOptions
from apache_beam.pvalue import SideInputData
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils import proto_utils

from localgcp.beam.durable.beam_parts import (
    DATA_INPUT_URN,
    DATA_OUTPUT_URN,
    DoFnSignature,
    EmbeddedPythonEnvironment,
    FileWritingDoFn,
    FnApiRunner,
    PipelineContext,
    beam_fn_api_pb2,
    beam_runner_api_pb2,
    common_urns,
    endpoints_pb2,
    group_by_key_input_visitor,
    merge_common_environments,
    merge_superset_dep_environments,
    to_the_one_window,
    translations,
)
from localgcp.beam.durable.plan import (
    IMPULSE,
    Group,
    Plan,
    Root,
    SideInput,
    Splittable,
    Stage,
    TimerFamily,
)

_PUBSUB_READ = common_urns.composites.PUBSUB_READ.urn
_TEST_STREAM = common_urns.primitives.TEST_STREAM.urn
_PAR_DO = common_urns.primitives.PAR_DO.urn
_PROCESS = common_urns.sdf_components.PROCESS_SIZED_ELEMENTS_AND_RESTRICTIONS.urn
_HERE = endpoints_pb2.ApiServiceDescriptor(url="here")


def translate(pipeline: Any, options: Any) -> Plan:
    """Translate a pipeline."""
    debug = options.view_as(DebugOptions)
    experiments = debug.experiments or []
    if "beam_fn_api" not in experiments:
        debug.experiments = [*experiments, "beam_fn_api"]
    lenient = options.view_as(TypeOptions).allow_non_deterministic_key_coders
    pipeline.visit(group_by_key_input_visitor(not lenient))
    proto = pipeline.to_runner_api(default_environment=EmbeddedPythonEnvironment.default())
    roots = dict(_tapped(proto))
    proto = _with_one_environment(proto)
    context, stages = translations.create_and_optimize_stages(
        copy.deepcopy(proto),
        phases=[
            translations.annotate_downstream_side_inputs,
            _side_inputs_as_roots,
            translations.fix_side_input_pcoll_coders,
            translations.pack_combiners,
            translations.lift_combiners,
            translations.expand_sdf,
            translations.expand_gbk,
            translations.sink_flattens,
            translations.greedily_fuse,
            translations.read_to_impulse,
            translations.impulse_to_input,
            translations.sort_stages,
            translations.add_impulse_to_dangling_transforms,
            translations.setup_timer_mapping,
            translations.populate_data_channel_coders,
        ],
        known_runner_urns=frozenset(
            [common_urns.primitives.FLATTEN.urn, common_urns.primitives.GROUP_BY_KEY.urn]
        ),
    )
    return _Planner(context, roots).plan(stages)


def _with_one_environment(proto: Any) -> Any:
    """The pipeline with environments joined where one is as good as several."""
    resolved = FnApiRunner().resolve_any_environments(merge_superset_dep_environments(proto))
    return merge_common_environments(resolved)


def _tapped(proto: Any) -> Iterator[tuple[str, Root]]:
    """Make impulses of what the engine feeds, and tell what feeds each."""
    transforms = proto.components.transforms
    for transform_id, transform in list(transforms.items()):
        name = transform.unique_name
        if transform.spec.urn == _PUBSUB_READ and not transform.subtransforms:
            payload = proto_utils.parse_Bytes(
                transform.spec.payload, beam_runner_api_pb2.PubSubReadPayload
            )
            _make_impulse(transform)
            yield name, Root(name, "pubsub", payload)
        elif transform.spec.urn == _TEST_STREAM:
            payload = proto_utils.parse_Bytes(
                transform.spec.payload, beam_runner_api_pb2.TestStreamPayload
            )
            coder = PipelineContext(proto.components).coders[payload.coder_id]
            outputs = sorted(transform.outputs.items())
            parent = next((t for t in transforms.values() if transform_id in t.subtransforms), None)
            for tag, pcollection in outputs:
                one = f"{name}/{tag}"
                added = transforms[f"{transform_id}-{tag}"]
                added.unique_name = one
                added.outputs["out"] = pcollection
                _make_impulse(added)
                siblings = parent.subtransforms if parent else proto.root_transform_ids
                siblings.insert(list(siblings).index(transform_id), f"{transform_id}-{tag}")
                yield one, Root(one, "stream", payload, tag, name, coder)
            siblings.remove(transform_id)
            del transforms[transform_id]


def _make_impulse(transform: Any) -> None:
    transform.spec.urn = common_urns.primitives.IMPULSE.urn
    transform.spec.payload = b""
    transform.environment_id = ""


def _side_inputs_as_roots(stages: Iterable[Any], context: Any) -> Iterator[Any]:
    """A phase: a ParDo with side inputs is not fused behind what makes its input."""
    for stage in stages:
        for transform in stage.transforms:
            if transform.spec.urn == _PAR_DO and _par_do(transform).side_inputs:
                stage.forced_root = True
        yield stage


def _dofn(payload: Any) -> Any:
    return pickler.loads(payload.do_fn.payload)[0]


def _par_do(transform: Any) -> Any:
    return proto_utils.parse_Bytes(transform.spec.payload, beam_runner_api_pb2.ParDoPayload)


class _Planner:
    """Turns Beam's stages into ours."""

    def __init__(self, context: Any, roots: dict[str, Root]) -> None:
        self._components = context.components
        self._channel_coders: dict[str, str] = context.data_channel_coders
        self._context = PipelineContext(context.components)
        self._roots = roots

    def plan(self, stages: Iterable[Any]) -> Plan:
        found = Plan([], {}, {}, self._context)
        for number, stage in enumerate(stages):
            made = Stage(stage.name, None)
            for transform in stage.transforms:
                self._port(made, transform, found)
            descriptor = self._descriptor(f"stage-{number}", stage)
            made.descriptor = descriptor
            for transform in stage.transforms:
                if transform.spec.urn in translations.PAR_DO_URNS:
                    self._par_do(made, descriptor.transforms[transform.unique_name])
            found.stages.append(made)
        return found

    def _port(self, stage: Stage, transform: Any, found: Plan) -> None:
        """Note an input or output of the stage, and tell the worker its coder."""
        urn, name = transform.spec.urn, transform.unique_name
        if urn == DATA_INPUT_URN:
            pcollection = _only(transform.outputs)
        elif urn == DATA_OUTPUT_URN:
            pcollection = _only(transform.inputs)
        else:
            return
        buffer = bytes(transform.spec.payload)
        coder_id = self._channel_coders[pcollection]
        stage.coders[name] = self._context.coders[coder_id].get_impl()
        transform.spec.payload = beam_fn_api_pb2.RemoteGrpcPort(
            coder_id=coder_id
        ).SerializeToString()
        if urn == DATA_OUTPUT_URN:
            stage.outputs[name] = buffer
            return
        stage.inputs[name] = buffer
        if buffer == IMPULSE:
            found.roots[name] = self._roots.get(name) or Root(name, "impulse")
        kind, group_id = translations.split_buffer_id(buffer) if buffer != IMPULSE else ("", "")
        if kind == "group" and buffer not in found.groups:
            found.groups[buffer] = self._group(buffer, group_id)

    def _group(self, buffer: bytes, transform_id: str) -> Group:
        transform = self._components.transforms[transform_id]
        source, target = _only(transform.inputs), _only(transform.outputs)
        strategies = self._context.windowing_strategies
        strategy = self._components.pcollections[source].windowing_strategy_id
        return Group(
            buffer,
            transform.unique_name,
            strategies[strategy],
            self._context.coders[self._channel_coders[source]],
            self._context.coders[self._channel_coders[target]],
        )

    def _descriptor(self, name: str, stage: Any) -> Any:
        return beam_fn_api_pb2.ProcessBundleDescriptor(
            id=name,
            transforms={transform.unique_name: transform for transform in stage.transforms},
            pcollections=dict(self._components.pcollections.items()),
            coders=dict(self._components.coders.items()),
            windowing_strategies=dict(self._components.windowing_strategies.items()),
            environments=dict(self._components.environments.items()),
            state_api_service_descriptor=_HERE,
            timer_api_service_descriptor=_HERE,
        )

    def _par_do(self, stage: Stage, transform: Any) -> None:
        name, payload = transform.unique_name, _par_do(transform)
        for family, spec in payload.timer_family_specs.items():
            coder = self._context.coders[spec.timer_family_coder_id]
            by_event_time = spec.time_domain == beam_runner_api_pb2.TimeDomain.EVENT_TIME
            stage.families[name, family] = TimerFamily(coder.get_impl(), by_event_time)
        main = [pc for tag, pc in transform.inputs.items() if tag not in payload.side_inputs]
        if payload.state_specs:
            windowing = self._windowing(main[0])
            window_coder = windowing.windowfn.get_window_coder()
            stage.state_windows[name] = (window_coder, windowing.allowed_lateness)
        for tag, spec in payload.side_inputs.items():
            stage.side_inputs.append(self._side_input(transform, tag, spec))
            # A worker reads a global side input once in its life, unless it is not seen as one.
            if spec.window_mapping_fn.payload == pickler.dumps(to_the_one_window):
                spec.window_mapping_fn.payload = pickler.dumps(_to_the_global_window)
        if payload.side_inputs:
            transform.spec.payload = payload.SerializeToString()
            if isinstance(_dofn(payload), FileWritingDoFn):
                # All its writers write to what their one sink opened last.
                stage.one_by_one = True
        if transform.spec.urn == _PROCESS:
            # So that one element can be put off without the others.
            stage.one_by_one = True
            provider = DoFnSignature(_dofn(payload)).get_restriction_provider()
            stage.splittable = Splittable(name, provider)

    def _side_input(self, transform: Any, tag: str, spec: Any) -> SideInput:
        pcollection = transform.inputs[tag]
        coder = self._context.coders[self._channel_coders[pcollection]]
        return SideInput(
            transform.unique_name,
            tag,
            translations.create_buffer_id(pcollection),
            SideInputData.from_runner_api(spec, self._context),
            coder.window_coder,
            coder.wrapped_value_coder,
            self._windowing(pcollection),
        )

    def _windowing(self, pcollection: str) -> Any:
        strategy = self._components.pcollections[pcollection].windowing_strategy_id
        return self._context.windowing_strategies[strategy]


def _to_the_global_window(window: Any) -> GlobalWindow:
    return GlobalWindow()


def _only(named: Any) -> str:
    (value,) = named.values()
    return str(value)
