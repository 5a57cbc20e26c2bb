"""Terraform's plugin protocol, version 6, over a local socket.

Terraform starts `python -m tests.terraform.provider.server SCHEMA.json` and reads where it listens
from its first line. Messages are those of tfplugin6.proto; values in them are MessagePack, with
unknown ones as an extension type.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import msgpack
from tf.gen import tfplugin_pb2 as pb

from tests.terraform.provider import cloud, memory

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Provider:
    """Each method answers the call of its name."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._settings: dict[str, Any] = {}

    def GetMetadata(self, _: Any) -> Any:  # noqa: N802
        answer = pb.GetMetadata.Response()
        for name in self._schema["resource_schemas"]:
            answer.resources.add(type_name=name)
        for name in self._schema["data_source_schemas"]:
            answer.data_sources.add(type_name=name)
        return answer

    def GetProviderSchema(self, _: Any) -> Any:  # noqa: N802
        answer = pb.GetProviderSchema.Response()
        answer.provider.CopyFrom(_schema(self._schema["provider"]))
        for name, each in self._schema["resource_schemas"].items():
            answer.resource_schemas[name].CopyFrom(_schema(each))
        for name, each in self._schema["data_source_schemas"].items():
            answer.data_source_schemas[name].CopyFrom(_schema(each))
        answer.server_capabilities.get_provider_schema_optional = True
        return answer

    def ValidateProviderConfig(self, _: Any) -> Any:  # noqa: N802
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request: Any) -> Any:  # noqa: N802
        config = _decode(request.config) or {}
        known = ("default_labels", "project", "region", "request_reason", "zone")
        self._settings = {name: config[name] for name in known if config.get(name)}
        return pb.ConfigureProvider.Response()

    def ValidateResourceConfig(self, request: Any) -> Any:  # noqa: N802
        return pb.ValidateResourceConfig.Response(
            diagnostics=_diagnostics(self._resource(request), _decode(request.config))
        )

    def ValidateDataResourceConfig(self, request: Any) -> Any:  # noqa: N802
        return pb.ValidateDataResourceConfig.Response(
            diagnostics=_diagnostics(self._data_source(request), _decode(request.config))
        )

    def UpgradeResourceState(self, request: Any) -> Any:  # noqa: N802
        state = _encode(json.loads(request.raw_state.json))
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any) -> Any:  # noqa: N802
        state = _decode(request.current_state)
        return pb.ReadResource.Response(new_state=_encode(cloud.read(request.type_name, state)))

    def ReadDataSource(self, request: Any) -> Any:  # noqa: N802
        block = self._data_source(request)
        if refusal := memory.refused_reading(self._cloud(), request.type_name):
            return pb.ReadDataSource.Response(diagnostics=[_diagnostic((), refusal)])
        plan = cloud.planned(
            request.type_name, block, None, _decode(request.config), self._settings
        )
        state = cloud.applied(request.type_name, block, plan, self._settings)
        return pb.ReadDataSource.Response(state=_encode(state))

    def PlanResourceChange(self, request: Any) -> Any:  # noqa: N802
        prior, proposed = _decode(request.prior_state), _decode(request.proposed_new_state)
        if proposed is None:
            return pb.PlanResourceChange.Response(planned_state=_encode(None))
        block = self._resource(request)
        plan = cloud.planned(request.type_name, block, prior, proposed, self._settings)
        answer = pb.PlanResourceChange.Response(planned_state=_encode(plan))
        for name in cloud.replacing(request.type_name, prior, plan) if prior is not None else ():
            answer.requires_replace.add().steps.add(attribute_name=name)
        return answer

    def ApplyResourceChange(self, request: Any) -> Any:  # noqa: N802
        prior, plan = _decode(request.prior_state), _decode(request.planned_state)
        name, there = request.type_name, self._cloud()
        if plan is None:
            if refusal := memory.refused_destroying(there, name, prior):
                return _refused(request, refusal)
            memory.destroyed(there, name, prior)
            return pb.ApplyResourceChange.Response(new_state=request.planned_state)
        state = cloud.applied(name, self._resource(request), plan, self._settings)
        if prior is None and (refusal := memory.refused_making(there, name, state)):
            return _refused(request, refusal)
        memory.made(there, name, state)
        return pb.ApplyResourceChange.Response(new_state=_encode(state))

    def ImportResourceState(self, request: Any) -> Any:  # noqa: N802
        answer, there = pb.ImportResourceState.Response(), self._cloud()
        if refusal := memory.refused_importing(there, request.type_name, request.id):
            answer.diagnostics.append(_diagnostic((), refusal))
            return answer
        try:
            state = memory.found(there, request.type_name, request.id) or self._told(request)
        except ValueError as error:
            answer.diagnostics.append(_diagnostic((), str(error)))
            return answer
        answer.imported_resources.add(type_name=request.type_name, state=_encode(state))
        return answer

    def StopProvider(self, _: Any) -> Any:  # noqa: N802
        return pb.StopProvider.Response()

    def _told(self, request: Any) -> dict[str, Any]:
        """What an import's id says of a resource that this cloud has not made."""
        block = self._resource(request)
        state: dict[str, Any] = dict.fromkeys(block["attributes"])
        for name, nested in block["block_types"].items():
            state[name] = [] if nested["nesting_mode"] in ("list", "set") else None
        return {**state, **cloud.imported(request.type_name, request.id)}

    def _cloud(self) -> memory.Cloud:
        """The memory of the project that is spoken to.

        One process serves many configurations in turn. What tells their clouds apart is
        `request_reason`, which the real providers send along and Google writes into its logs.
        """
        reason, project = (self._settings.get(name) for name in ("request_reason", "project"))
        home = Path(os.environ.get("CLOUD_MEMORY", ".terraform/cloud"))
        return memory.cloud_of(home, reason, project)

    def _resource(self, request: Any) -> Any:
        return self._schema["resource_schemas"][request.type_name]["block"]

    def _data_source(self, request: Any) -> Any:
        return self._schema["data_source_schemas"][request.type_name]["block"]


def _schema(each: dict[str, Any]) -> Any:
    return pb.Schema(version=each["version"], block=_block(each["block"]))


def _block(block: dict[str, Any]) -> Any:
    out = pb.Schema.Block()
    for name, each in block.get("attributes", {}).items():
        flags = {flag: True for flag in ("computed", "optional", "required") if each.get(flag)}
        out.attributes.add(name=name, type=json.dumps(each["type"]).encode(), **flags)
    for name, each in block.get("block_types", {}).items():
        out.block_types.add(
            type_name=name,
            block=_block(each["block"]),
            nesting=NESTING[each["nesting_mode"]],
            min_items=each.get("min_items", 0),
            max_items=each.get("max_items", 0),
        )
    return out


def _decode(value: Any) -> Any:
    if not value.msgpack:
        return json.loads(value.json or b"null")
    return msgpack.unpackb(
        value.msgpack, strict_map_key=False, ext_hook=lambda code, data: cloud.UNKNOWN
    )


def _encode(value: Any) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value, default=_unknown))


def _unknown(value: Any) -> Any:
    if isinstance(value, cloud.Unknown):
        return msgpack.ExtType(0, b"\x00")
    raise TypeError(f"{value!r} has no form in MessagePack")


def _refused(request: Any, refusal: str) -> Any:
    return pb.ApplyResourceChange.Response(
        new_state=request.prior_state, diagnostics=[_diagnostic((), refusal)]
    )


def _diagnostics(block: Any, config: Any) -> list[Any]:
    return [_diagnostic(*each) for each in cloud.complaints(block, config)]


def _diagnostic(path: tuple[str | int, ...], text: str) -> Any:
    out = pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=text)
    for step in path:
        if isinstance(step, int):
            out.attribute.steps.add(element_key_int=step)
        else:
            out.attribute.steps.add(attribute_name=step)
    return out


def _handlers(provider: Provider) -> dict[str, Any]:
    handlers = {}
    for name in pb.DESCRIPTOR.services_by_name["Provider"].methods_by_name:
        if method := getattr(provider, name, None):
            handlers[name] = grpc.unary_unary_rpc_method_handler(
                _call(method),
                request_deserializer=getattr(pb, name).Request.FromString,
                response_serializer=lambda answer: answer.SerializeToString(),
            )
    return handlers


def _call(method: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda request, _: method(request)


def serve(provider: Provider) -> None:
    """Answer until Terraform says that it is done, or whoever started this does."""
    done = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: done.set())

    def shut_down(_: bytes, __: Any) -> bytes:
        done.set()
        return b""

    server = grpc.server(ThreadPoolExecutor(8), options=UNLIMITED)
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler("tfplugin6.Provider", _handlers(provider)),
            grpc.method_handlers_generic_handler(
                "plugin.GRPCController",
                {"Shutdown": grpc.unary_unary_rpc_method_handler(shut_down)},
            ),
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        server.add_insecure_port(f"unix:{folder}/socket")
        server.start()
        print(f"1|6|unix|{folder}/socket|grpc|", flush=True)
        done.wait()
        server.stop(0.1).wait()


if __name__ == "__main__":
    serve(Provider(json.loads(Path(sys.argv[1]).read_text())))
