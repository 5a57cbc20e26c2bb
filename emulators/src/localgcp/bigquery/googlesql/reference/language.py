"""BigQuery's GoogleSQL among ZetaSQL's: which features of the analyzer are on.

ZetaSQL's product mode "external" leaves out INT32, UINT64, FLOAT32, ENUM and PROTO. All features
that it counts as finished are on but for those below, which BigQuery's reference does not have, or
has otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable

from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto import options_pb2 as o
from zetasql.wasi._pb2.zetasql.public import options_pb2 as public
from zetasql.wasi._pb2.zetasql.public import type_pb2

from localgcp.bigquery.catalog.partitioning import PSEUDO, PSEUDO_DATE
from localgcp.bigquery.googlesql.reference.engine import Engine

_NOT_BIGQUERYS = (
    # Data types, "Equality" and "Orderable": arrays are neither compared nor ordered.
    *("ARRAY_EQUALITY", "V_1_1_ARRAY_EQUALITY", "ARRAY_ORDERING", "V_1_3_ARRAY_ORDERING"),
    *("ARRAY_GREATEST_LEAST", "V_1_3_ARRAY_GREATEST_LEAST"),
    # Conversion rules: an ARRAY is cast to the same type alone.
    *("CAST_DIFFERENT_ARRAY_TYPES", "V_1_1_CAST_DIFFERENT_ARRAY_TYPES"),
    # TIMESTAMP holds microseconds.
    *("TIMESTAMP_NANOS", "TIMESTAMP_PICOS", "TIMESTAMP_PRECISION", "V_1_4_TIMESTAMP_PRECISION"),
    *("TIMESTAMP_PRECISION_ANNOTATION", "V_1_4_TIMESTAMP_PRECISION_ANNOTATION"),
    # Types.
    *("MAP_TYPE", "V_1_4_MAP_TYPE", "UUID_TYPE", "V_1_4_UUID_TYPE", "ROW_TYPE", "PROTO_BASE"),
    *("ENABLE_MEASURES", "V_1_4_ENABLE_MEASURES", "MEASURES_TVF", "PROTO_MAPS"),
    # Clauses.
    *("DML_RETURNING", "V_1_3_DML_RETURNING", "WITH_GROUP_ROWS", "V_1_3_WITH_GROUP_ROWS"),
    *("INSERT_ON_CONFLICT_CLAUSE", "V_1_4_INSERT_ON_CONFLICT_CLAUSE", "ANONYMIZATION"),
    *("STRATIFIED_RESERVOIR_TABLESAMPLE", "LEGACY_BINARY_CONCAT", "FOR_UPDATE"),
    # What the reference would let pass and BigQuery refuses.
    *("DISALLOW_GROUP_BY_FLOAT", "ANALYSIS_CONSTANT_FUNCTION_ARGUMENT"),
)

# Of the features that ZetaSQL counts as unfinished, or leaves to each engine, those of BigQuery's.
_BIGQUERYS = (
    *("COLLATION_SUPPORT", "COLLATION_IN_EXPLICIT_CAST", "JSON_STRICT_NUMBER_PARSING"),
    *("LIKE_ANY_SOME_ALL_ARRAY", "LIKE_ANY_SOME_ALL_SUBQUERY", "DISABLE_FLOAT32"),
    *("ENFORCE_CONDITIONAL_EVALUATION", "ALIASES_FOR_STRING_AND_DATE_FUNCTIONS"),
)


def language(engine: Engine) -> o.LanguageOptionsProto:
    """BigQuery's language options."""
    wanted = service.LanguageOptionsRequest(maximum_features=True)
    options = engine.ask("GetLanguageOptions", wanted, o.LanguageOptionsProto)
    features = set(options.enabled_language_features) | _values(_BIGQUERYS)
    options.enabled_language_features[:] = sorted(features - _values(_NOT_BIGQUERYS))
    if "MATCH_RECOGNIZE" not in options.reserved_keywords:
        options.reserved_keywords.append("MATCH_RECOGNIZE")
    options.product_mode = public.PRODUCT_EXTERNAL
    options.supported_statement_kinds[:] = []  # all
    return options


def _values(names: Iterable[str]) -> set[int]:
    return {public.LanguageFeature.Value(f"FEATURE_{name}") for name in names}


def analysis(engine: Engine, language: o.LanguageOptionsProto) -> o.AnalyzerOptionsProto:
    """How statements are analyzed: the zone UTC, errors on one line, places of tables recorded."""
    options = engine.ask(
        "GetAnalyzerOptions", service.AnalyzerOptionsRequest(), o.AnalyzerOptionsProto
    )
    options.language_options.CopyFrom(language)
    options.default_timezone = "UTC"
    options.ClearField("allowed_hints_and_options")  # its enums want descriptors
    options.prune_unused_columns = True
    for name, kind in ((PSEUDO, type_pb2.TYPE_TIMESTAMP), (PSEUDO_DATE, type_pb2.TYPE_DATE)):
        # Of the table that a CREATE makes, for its PARTITION BY.
        options.ddl_pseudo_columns.add(name=name, type=type_pb2.TypeProto(type_kind=kind))
    # What it makes of an array of patterns, the evaluator fails on; by itself it is right.
    options.enabled_rewrites.remove(public.REWRITE_LIKE_ANY_ALL)
    options.parse_location_record_type = public.PARSE_LOCATION_RECORD_FULL_NODE_SCOPE
    for rewrite in ("INLINE_SQL_FUNCTIONS", "INLINE_SQL_TVFS", "INLINE_SQL_UDAS"):
        options.enabled_rewrites.append(public.ResolvedASTRewrite.Value(f"REWRITE_{rewrite}"))
    return options
