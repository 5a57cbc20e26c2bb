"""Functions, table functions and procedures: read off a CREATE, put into a catalog.

A body in SQL is analyzed anew at each call, as that of a function with an argument of ANY TYPE must
be. The tables that it reads stand under names of their own, for the evaluator takes rows for tables
at the top of its catalog alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from zetasql.wasi._pb2.zetasql.proto import function_pb2 as f
from zetasql.wasi._pb2.zetasql.proto import simple_catalog_pb2 as c
from zetasql.wasi._pb2.zetasql.public import function_pb2 as public
from zetasql.wasi._pb2.zetasql.resolved_ast import resolved_ast_enums_pb2 as enums

from localgcp.bigquery.catalog.routine import Argument, BodyRead, Routine
from localgcp.bigquery.errors import SqlNotSupported
from localgcp.bigquery.googlesql.reference import types, values
from localgcp.bigquery.googlesql.reference.trees import place_of, unwrapped

GROUP = "Templated_SQL_Function"
_MODES = {"SCALAR": public.FunctionEnums.SCALAR, "AGGREGATE": public.FunctionEnums.AGGREGATE}
_SCOPES = enums.ResolvedCreateStatementEnums
_WRAPPED = "SELECT ("


def add(catalog: c.SimpleCatalogProto, routine: Routine) -> None:
    """Make a function known to a catalog of its own dataset."""
    if routine.kind == "PROCEDURE":
        return
    if routine.kind == "TABLE":
        table = catalog.custom_tvf.add(name_path=[routine.path[-1]])
        table.type = public.FunctionEnums.TEMPLATED_SQL_TVF
        table.signature.CopyFrom(_signature(routine))
        table.signature.return_type.Clear()
        table.signature.return_type.kind = public.ARG_TYPE_RELATION
        table.signature.return_type.num_occurrences = -1
        table.parse_resume_location.input = routine.body
        table.parse_resume_location.byte_position = 0
        table.argument_name.extend(argument.name for argument in routine.arguments)
        return
    made = catalog.custom_function.add(name_path=[routine.path[-1]], mode=_MODES[routine.kind])
    made.signature.add().CopyFrom(_signature(routine))
    made.group = GROUP
    made.parse_resume_location.input = routine.body
    made.parse_resume_location.byte_position = 0
    made.templated_sql_function_argument_name.extend(a.name for a in routine.arguments)


def _signature(routine: Routine) -> f.FunctionSignatureProto:
    if routine.signature:
        return f.FunctionSignatureProto.FromString(routine.signature)
    made = f.FunctionSignatureProto()
    for argument in routine.arguments:
        each = made.argument.add(num_occurrences=-1)
        _type(each, argument)
        each.options.argument_name = argument.name
        each.options.cardinality = public.FunctionEnums.REQUIRED
        if argument.default is not None and argument.type is not None:
            each.options.cardinality = public.FunctionEnums.OPTIONAL
            each.options.named_argument_kind = (
                public.FunctionEnums.NAMED_ONLY
                if isinstance(argument.default, str)
                else public.FunctionEnums.POSITIONAL_OR_NAMED
            )
            each.options.default_value.CopyFrom(values.writer(argument.type)(argument.default))
        each.options.is_not_aggregate = not argument.aggregate
    made.return_type.num_occurrences = -1
    _type(made.return_type, Argument("", routine.returns))
    return made


def _type(proto: f.FunctionArgumentTypeProto, argument: Argument) -> None:
    if argument.type is None:
        proto.kind = public.ARG_TYPE_ARBITRARY
    else:
        proto.kind = public.ARG_TYPE_FIXED
        proto.type.CopyFrom(types.type_of(argument.type))


def routine_of(kind: str, node: Any) -> tuple[Routine, str, bool]:
    """What a resolved CREATE makes; the mode of the CREATE; whether it is temporary.

    Raises SqlNotSupported.
    """
    while "signature" not in node.DESCRIPTOR.fields_by_name:
        node = node.parent
    created = node.parent
    scalar = "AGGREGATE" if kind == "create_function" and node.is_aggregate else "SCALAR"
    kinds = {"create_table_function": "TABLE", "create_procedure": "PROCEDURE"}
    procedure = kind == "create_procedure"
    language = "SQL" if procedure else node.language.upper()
    known = ("SQL", "JS") if kind == "create_function" else ("SQL",)
    if language not in known or (not procedure and getattr(node, "is_remote", False)):
        raise SqlNotSupported(f"a routine in {language}")
    body = node.procedure_body if procedure else node.code
    returns = node.signature.return_type
    fixed = kind == "create_function" and returns.kind == public.ARG_TYPE_FIXED
    made = Routine(
        kind=kinds.get(kind, scalar),
        path=tuple(created.name_path),
        arguments=tuple(_argument(each) for each in node.signature.argument),
        returns=types.field_of("", returns.type) if fixed else None,
        body=body,
        language=language,
        signature=node.signature.SerializeToString(),
        determinism=_determinism(node) if language == "JS" else "",
        libraries=_libraries(node) if language == "JS" else (),
    )
    mode = _SCOPES.CreateMode.Name(created.create_mode).removeprefix("CREATE_")
    return made, mode, created.create_scope == _SCOPES.CREATE_TEMP


def _determinism(node: Any) -> str:
    """As the API calls it; "" where nothing is said."""
    level = _SCOPES.DeterminismLevel.Name(node.determinism_level).removeprefix("DETERMINISM_")
    return str(level) if level in ("DETERMINISTIC", "NOT_DETERMINISTIC") else ""


def _libraries(node: Any) -> tuple[str, ...]:
    """The URIs of OPTIONS(library). Raises SqlNotSupported."""
    found: list[str] = []
    for option in node.option_list:
        if option.name.lower() != "library":
            continue
        literal = unwrapped(option.value)[1]
        if literal.DESCRIPTOR.name != "ResolvedLiteralProto":
            raise SqlNotSupported("OPTIONS(library) that is no literal")
        value = literal.value.value
        found += [each.string_value for each in value.array_value.element] or [value.string_value]
    for uri in found:
        if not uri.startswith("gs://"):
            raise SqlNotSupported(f"OPTIONS(library) of {uri!r}: only gs:// URIs")
    return tuple(found)


def _argument(proto: f.FunctionArgumentTypeProto) -> Argument:
    options = proto.options
    mode = public.FunctionEnums.ProcedureArgumentMode.Name(options.procedure_argument_mode)
    fixed = proto.kind == public.ARG_TYPE_FIXED
    kind = types.field_of(options.argument_name, proto.type) if fixed else None
    return Argument(
        options.argument_name,
        kind,
        aggregate=not options.is_not_aggregate,
        mode=mode if mode in ("OUT", "INOUT") else "IN",
        relation=proto.kind == public.ARG_TYPE_RELATION,
    )


def wrapped(routine: Routine) -> str:
    """A statement that has the body in it as it would be parsed."""
    return routine.body if routine.kind == "TABLE" else f"{_WRAPPED}{routine.body})"


def reads_of(
    routine: Routine, parsed: Message, named: set[tuple[str, ...]]
) -> tuple[BodyRead, ...]:
    """Where the body names a table, of those that it is known to read. Raises SqlNotSupported."""
    shift = 0 if routine.kind == "TABLE" else len(_WRAPPED)
    own = {argument.name.lower() for argument in routine.arguments}
    found, shadowed = [], set()
    for node in _nodes(parsed):
        if node.DESCRIPTOR.name == "ASTAliasedQueryProto":
            shadowed.add(node.alias.id_string.lower())
        if node.DESCRIPTOR.name != "ASTTablePathExpressionProto" or not node.HasField("path_expr"):
            continue
        path = tuple(name.id_string for name in node.path_expr.names)
        if path in named and not (len(path) == 1 and path[0].lower() in own):
            start, end = place_of(unwrapped(node.path_expr)[1])
            found.append(BodyRead(start - shift, end - shift, path, node.HasField("alias")))
    for read in found:
        if len(read.path) == 1 and read.path[0].lower() in shadowed:
            raise SqlNotSupported(f"a table and a WITH clause named {read.path[0]} in a function")
    return tuple(found)


def _nodes(node: Message) -> Iterator[Any]:
    yield node
    for descriptor, value in node.ListFields():
        if descriptor.message_type is not None:
            for inner in value if descriptor.is_repeated else (value,):
                yield from _nodes(inner)
