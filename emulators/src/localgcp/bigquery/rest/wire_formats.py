"""A load's format on the wire: sourceFormat and the options of each -> what opens such a file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from localgcp.bigquery.catalog import resources
from localgcp.bigquery.errors import BadValue, NotSupported
from localgcp.bigquery.jobs.load_files import Open
from localgcp.bigquery.rows.avro_file import AvroFile
from localgcp.bigquery.rows.columnar import ColumnarFile, read_orc
from localgcp.bigquery.rows.csv_file import CsvFile, CsvOptions
from localgcp.bigquery.rows.described import DECIMALS
from localgcp.bigquery.rows.lines import Lines
from localgcp.bigquery.rows.packed import ENCODINGS, as_utf8, unpacked

_FORMATS = ("CSV", "NEWLINE_DELIMITED_JSON", "AVRO", "PARQUET", "ORC")


def reader(config: Mapping[str, Any]) -> Open:
    """What opens a file of the load's format. Raises BadValue, NotSupported."""
    kind = config.get("sourceFormat") or "CSV"
    if kind == "NEWLINE_DELIMITED_JSON":
        return partial(_lines, _encoding(config))
    if kind == "CSV":
        return partial(_csv, _encoding(config), _csv_options(config))
    if kind == "AVRO":
        logical = bool(config.get("useAvroLogicalTypes"))
        return partial(AvroFile, logical=logical, decimals=_decimals(config, "NUMERIC"))
    if kind == "PARQUET":
        options = config.get("parquetOptions") or {}
        resources.check_keys(
            "load.parquetOptions", options, ("enableListInference", "enumAsString"), ()
        )
        lists = bool(options.get("enableListInference"))
        return partial(ColumnarFile, lists=lists, decimals=_decimals(config, "NUMERIC"))
    if kind == "ORC":
        decimals = _decimals(config, "NUMERIC", "STRING")
        return partial(
            ColumnarFile, reader=read_orc, lists=True, naive="TIMESTAMP", decimals=decimals
        )
    if kind == "DATASTORE_BACKUP":
        raise NotSupported(f"load of {kind}; only {', '.join(_FORMATS)}", "load.sourceFormat")
    raise BadValue("load.sourceFormat", kind, f"one of {', '.join(_FORMATS)}")


def _lines(encoding: str, data: bytes) -> Lines:
    return Lines(as_utf8(unpacked(data), encoding))


def _csv(encoding: str, options: CsvOptions, data: bytes) -> CsvFile:
    return CsvFile(as_utf8(unpacked(data), encoding), options)


def _encoding(config: Mapping[str, Any]) -> str:
    encoding = str(config.get("encoding") or "UTF-8").upper()
    if encoding not in ENCODINGS:
        raise BadValue("load.encoding", encoding, f"one of {', '.join(ENCODINGS)}")
    return encoding


def _decimals(config: Mapping[str, Any], *default: str) -> tuple[str, ...]:
    named = tuple(config.get("decimalTargetTypes") or default)
    for kind in named:
        if kind not in DECIMALS:
            raise BadValue("load.decimalTargetTypes", kind, f"one of {', '.join(DECIMALS)}")
    return named


def _csv_options(config: Mapping[str, Any]) -> CsvOptions:
    delimiter, quote = config.get("fieldDelimiter") or ",", config.get("quote", '"')
    delimiter = {"\\t": "\t", "tab": "\t"}.get(str(delimiter), str(delimiter))
    for key, value, most in (("fieldDelimiter", delimiter, 1), ("quote", quote or "", 1)):
        if len(value) > most:
            raise NotSupported(f"{key} {value!r} of more than one character", f"load.{key}")
    skip = config.get("skipLeadingRows")
    return CsvOptions(
        delimiter=delimiter,
        quote=quote or "",
        skip=None if skip in (None, "") else resources.integer(skip, "load.skipLeadingRows"),
        null_marker=str(config.get("nullMarker") or ""),
        newlines=bool(config.get("allowQuotedNewlines")),
        jagged=bool(config.get("allowJaggedRows")),
    )
