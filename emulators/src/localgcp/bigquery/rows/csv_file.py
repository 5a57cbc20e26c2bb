"""CSV -> rows (Loading CSV data): by position, each cell read as insertAll reads its text.

An empty cell is NULL, save that a quoted one is an empty STRING (JobConfigurationLoad, nullMarker).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from localgcp.bigquery.catalog.schema import Field
from localgcp.bigquery.errors import Invalid
from localgcp.bigquery.rows.csv_autodetect import detect
from localgcp.bigquery.rows.file import MAX_TOLD
from localgcp.bigquery.rows.reader import RowError, compile_reader

# Loading CSV data, "Data types": besides true and false, whatever their case.
_BOOLEANS = {"yes": "true", "y": "true", "no": "false", "n": "false"}
_TEXTS = ("STRING", "BYTES")


@dataclass(frozen=True, slots=True)
class CsvOptions:
    """How the file is written; `skip` is None where the client did not say."""

    delimiter: str = ","
    quote: str = '"'
    skip: int | None = None
    null_marker: str = ""
    newlines: bool = False
    jagged: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One value's text, and whether quotes stood around it."""

    text: str
    quoted: bool


@dataclass(slots=True)
class CsvFile:
    """A file of comma-separated values, or of values separated otherwise."""

    data: bytes
    options: CsvOptions = CsvOptions()
    read: int = 0
    bad: int = 0
    told: list[str] = field(default_factory=list)
    described: bool = False
    titled: bool = False  # the first line has turned out to hold names

    def detect(self) -> tuple[Field, ...]:
        """The columns by the first rows. Raises Invalid, NotSupported."""
        start = max((self.options.skip or 0) - 1, 0)
        records = [
            [None if self._is_null(cell) else cell.text for cell in cells]
            for _, cells, _ in self._records(start)
            if cells
        ]
        fields, self.titled = detect(records, names=self.options.skip != 0)
        return fields

    def another(self, data: bytes) -> CsvFile:
        """The next file, with names in its first line if this one had them there."""
        return CsvFile(data, self.options, titled=self.titled)

    def rows(
        self, fields: tuple[Field, ...], ignore_unknown: bool, max_bad: int
    ) -> Iterator[dict[str, Any]]:
        """The good rows, until more than `max_bad` are bad. Raises Invalid."""
        for column in fields:
            if column.repeated or column.fields:
                raise Invalid(f"CSV holds no nested or repeated data (field {column.name})")
        reader = compile_reader(fields, ignore_unknown)
        skip = max(self.options.skip or 0, 1 if self.titled else 0)
        for number, cells, why in self._records(skip, len(fields) == 1):
            self.read += 1
            try:
                if why:
                    raise RowError("", why)
                yield reader.read(self._values(fields, cells, ignore_unknown))
            except RowError as error:
                self._tell(number, error.message)
                if self.bad > max_bad:
                    return

    def _values(
        self, fields: tuple[Field, ...], cells: list[Cell], ignore_unknown: bool
    ) -> dict[str, Any]:
        if len(cells) < len(fields) and not self.options.jagged:
            raise RowError("", f"the line has {len(cells)} values for {len(fields)} columns")
        if len(cells) > len(fields) and not ignore_unknown:
            raise RowError("", f"Too many values in line: {len(cells)} for {len(fields)} columns")
        return {f.name: self._value(f, cell) for f, cell in zip(fields, cells, strict=False)}

    def _value(self, column: Field, cell: Cell) -> str | None:
        if self._is_null(cell):
            return None
        if column.type in _TEXTS:
            return cell.text
        if not cell.text:
            if self.options.null_marker:
                raise RowError(column.name, f"Could not parse '' as {column.type} ({column.name})")
            return None
        if column.type == "BOOLEAN":
            return _BOOLEANS.get(cell.text.lower(), cell.text)
        return cell.text.strip()

    def _is_null(self, cell: Cell) -> bool:
        return not cell.quoted and cell.text == self.options.null_marker

    def _records(self, skip: int, empty: bool = False) -> Iterator[tuple[int, list[Cell], str]]:
        """Each record after the skipped ones: its number, its cells, and what is wrong with it.

        With `empty`, an empty line is one too, of one cell.
        """
        try:
            text = self.data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid(f"The file is not UTF-8, at byte {error.start}") from error
        records = _split(text, self.options)
        kept = (each for each in records if empty or each[1] or not _is_empty(each[0]))
        for number, (cells, why) in enumerate(kept, 1):
            if number > skip:
                yield number, cells, why

    def _tell(self, number: int, why: str) -> None:
        self.bad += 1
        if len(self.told) < MAX_TOLD:
            told = f"Error while reading data, error message: CSV table, record {number}: {why}"
            self.told.append(told)


def _split(text: str, options: CsvOptions) -> Iterator[tuple[list[Cell], str]]:
    """The records of a text, empty lines among them."""
    cell = _pattern(options)
    start, end = 0, len(text)
    while start < end:
        cells, why = [], ""
        while True:
            match = cell.match(text, start)
            if match is None:
                why = "data between a closing quote and the delimiter, or a quote never closed"
                newline = text.find("\n", start)
                start = end if newline < 0 else newline + 1
                break
            quoted, bare, stop = match.groups()
            cells.append(Cell(bare, False) if quoted is None else _unquoted(quoted, options))
            if quoted and "\n" in quoted and not options.newlines:
                why = "a newline in a quoted value; set allowQuotedNewlines"
            start = match.end()
            if stop != options.delimiter:
                break
        yield cells, why


def _is_empty(cells: list[Cell]) -> bool:
    """Whether a line holds nothing: a row of one column, and of more none."""
    return len(cells) == 1 and not cells[0].text and not cells[0].quoted


def _pattern(options: CsvOptions) -> re.Pattern[str]:
    delimiter, quote = re.escape(options.delimiter), re.escape(options.quote)
    bare = rf"([^{delimiter}\r\n]*)"
    stop = rf"({delimiter}|\r\n|\n|\r|\Z)"
    if not quote:
        return re.compile(rf"(?:(?!)()|{bare}){stop}")
    return re.compile(
        rf"(?:{quote}((?:[^{quote}]|{quote}{quote})*){quote}|(?!{quote}){bare}){stop}"
    )


def _unquoted(text: str, options: CsvOptions) -> Cell:
    return Cell(text.replace(options.quote * 2, options.quote), True)
