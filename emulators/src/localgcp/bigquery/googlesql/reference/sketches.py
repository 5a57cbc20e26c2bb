"""HLL_COUNT and KLL_QUANTILES, exact: a sketch holds what it has seen, in bytes of our own.

A sketch of HLL_COUNT is the list of the fingerprints that it has seen, one of KLL_QUANTILES that of
the values. The precision, which says how near an estimate is, is held to its bounds.
"""

from __future__ import annotations

from localgcp.bigquery.catalog.routine import Routine
from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.googlesql.reference.written import (
    BYTES,
    FLOAT,
    INTEGER,
    aggregate,
    function,
)

# A sketch is a mark, the type of what it has seen, and the fingerprints, with colons between.
_PRINTS = """IF(STARTS_WITH(sketch, b'localgcp-hll:'), SPLIT(SPLIT(SAFE_CONVERT_BYTES_TO_STRING(
sketch), ':')[SAFE_OFFSET(2)], ','),
ERROR('not supported by the emulator: a sketch that it has not made'))"""
_UNION = f"""FROM (SELECT print, SPLIT(SAFE_CONVERT_BYTES_TO_STRING(sketch), ':')[OFFSET(1)] AS kind
FROM UNNEST(sketches) AS sketch, UNNEST({_PRINTS}) AS print)"""
_ALIKE = "IF(COUNT(DISTINCT kind) > 1, ERROR('Invalid or incompatible sketch in HLL_COUNT'), {})"
_SKETCH = "CAST('localgcp-hll:' || {} || ':' || STRING_AGG(DISTINCT print ORDER BY print) AS BYTES)"
HLL = (
    function(
        "_localgcp_sketch",
        "xs precision",
        f"""IF(precision NOT BETWEEN 10 AND 24,
        ERROR('HLL++ precision must be an integer between 10 and 24'),
        IF(xs IS NULL, NULL, (SELECT {_SKETCH.format("TYPEOF(xs)")}
        FROM (SELECT CAST(FARM_FINGERPRINT(FORMAT('%T', x)) AS STRING) AS print
        FROM UNNEST(xs) AS x))))""",
        BYTES,
    ),
    aggregate(
        "hll_count.init",
        "x / precision=15",
        "_localgcp_sketch(ARRAY_AGG(x IGNORE NULLS), precision)",
        BYTES,
    ),
    function(
        "_localgcp_merged",
        "sketches",
        f"""IF(sketches IS NULL, NULL,
        (SELECT {_ALIKE.format(_SKETCH.format("MIN(kind)"))} {_UNION}))""",
        BYTES,
    ),
    function(
        "_localgcp_union_size",
        "sketches",
        f"IF(sketches IS NULL, 0, (SELECT {_ALIKE.format('COUNT(DISTINCT print)')} {_UNION}))",
        INTEGER,
    ),
    function(
        "hll_count.extract",
        "sketch:BYTES",
        f"IF(sketch IS NULL, 0, ARRAY_LENGTH({_PRINTS}))",
        INTEGER,
    ),
    aggregate(
        "hll_count.merge_partial",
        "sketch:BYTES",
        "_localgcp_merged(ARRAY_AGG(sketch IGNORE NULLS))",
        BYTES,
    ),
    aggregate(
        "hll_count.merge",
        "sketch:BYTES",
        "_localgcp_union_size(ARRAY_AGG(sketch IGNORE NULLS))",
        INTEGER,
    ),
)

_VALUES = """IF(STARTS_WITH(sketch, b'localgcp-kll:{kind}:'), SPLIT(SPLIT(
SAFE_CONVERT_BYTES_TO_STRING(sketch), ':')[OFFSET(2)], ','),
ERROR(IF(STARTS_WITH(sketch, b'localgcp-kll:'),
'Invalid or incompatible sketch in KLL_QUANTILES',
'not supported by the emulator: a sketch that it has not made')))"""


def _made(kind: str, field: Field) -> tuple[Routine, ...]:
    """What makes sketches of INT64 or of FLOAT64, and the values of many in their order."""
    low = kind.lower()
    sorted_ = f"""(SELECT ARRAY_AGG(CAST(v AS {kind}) ORDER BY CAST(v AS {kind}))
    FROM UNNEST(sketches) AS sketch, UNNEST({_VALUES.format(kind=kind)}) AS v)"""
    return (
        function(
            f"_localgcp_kll_{low}",
            "xs precision",
            f"""IF(precision NOT BETWEEN 1 AND 100000,
            ERROR('KLL_QUANTILES precision must be an integer between 1 and 100000'),
            CAST('localgcp-kll:{kind}:' || ARRAY_TO_STRING(xs, ',') AS BYTES))""",
            BYTES,
        ),
        aggregate(
            f"kll_quantiles.init_{low}",
            "x / precision=1000",
            f"_localgcp_kll_{low}(ARRAY_AGG(CAST(x AS STRING) IGNORE NULLS), precision)",
            BYTES,
        ),
        function(
            f"_localgcp_kll_values_{low}",
            "sketches",
            f"IF(sketches IS NULL, NULL, {sorted_})",
            Field("", field.type, "REPEATED"),
        ),
    )


def _quantiles(kind: str, field: Field) -> tuple[Routine, ...]:
    """What reads sketches of INT64 or of FLOAT64."""
    low, some = kind.lower(), Field("", field.type, "REPEATED")
    return (
        function(
            f"kll_quantiles.extract_{low}",
            "sketch:BYTES n",
            f"""IF(sketch IS NULL, NULL,
            _localgcp_quantiles(_localgcp_kll_values_{low}([sketch]), n))""",
            some,
        ),
        aggregate(
            f"kll_quantiles.merge_{low}",
            "sketch:BYTES / n",
            f"_localgcp_quantiles(_localgcp_kll_values_{low}(ARRAY_AGG(sketch IGNORE NULLS)), n)",
            some,
        ),
        function(
            f"kll_quantiles.extract_point_{low}",
            "sketch:BYTES phi",
            f"""IF(sketch IS NULL, NULL,
            _localgcp_point(_localgcp_kll_values_{low}([sketch]), phi))""",
            field,
        ),
        aggregate(
            f"kll_quantiles.merge_point_{low}",
            "sketch:BYTES / phi:FLOAT",
            f"_localgcp_point(_localgcp_kll_values_{low}(ARRAY_AGG(sketch IGNORE NULLS)), phi)",
            field,
        ),
    )


KLL = (
    # The least value whose rank is phi or more of all.
    function(
        "_localgcp_point",
        "xs phi",
        """IF(NOT phi BETWEEN 0 AND 1, ERROR('KLL_QUANTILES phi must be between 0 and 1'),
        xs[OFFSET(GREATEST(CAST(CEIL(phi * ARRAY_LENGTH(xs)) AS INT64) - 1, 0))])""",
    ),
    function(
        "_localgcp_kll_merged",
        "sketches",
        """IF(sketches IS NULL, NULL, (SELECT IF(COUNT(DISTINCT parts[SAFE_OFFSET(1)]) > 1
        OR LOGICAL_OR(parts[OFFSET(0)] != 'localgcp-kll'),
        ERROR('not supported by the emulator: sketches of different kinds, or not made by it'),
        CAST('localgcp-kll:' || MIN(parts[SAFE_OFFSET(1)]) || ':' ||
        STRING_AGG(parts[SAFE_OFFSET(2)]) AS BYTES))
        FROM (SELECT SPLIT(IFNULL(SAFE_CONVERT_BYTES_TO_STRING(sketch), ''), ':') AS parts
        FROM UNNEST(sketches) AS sketch)))""",
        BYTES,
    ),
    aggregate(
        "kll_quantiles.merge_partial",
        "sketch:BYTES",
        "_localgcp_kll_merged(ARRAY_AGG(sketch IGNORE NULLS))",
        BYTES,
    ),
    *_made("INT64", INTEGER),
    *_made("FLOAT64", FLOAT),
    *_quantiles("INT64", INTEGER),
    *_quantiles("FLOAT64", FLOAT),
)
