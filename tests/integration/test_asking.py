"""`local query` and `local sql` on a real BigQuery emulator."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from local import asking, shell
from local.errors import BadQuery
from local.warehouse import PAGE_ROWS, Warehouse
from localgcp.bigquery.emulator import BigQueryEmulator

ROOT = Path(__file__).parents[2]

HEAVY = {"rich", "pydantic", "google.api_core", "grpc", "prompt_toolkit", "apache_beam", "fastapi"}
EVERY_TYPE = """
SELECT 1 AS i, 1.5 AS f, CAST('NaN' AS FLOAT64) AS nan, TRUE AS b, 'é\t' AS s, b'abc' AS raw,
  NUMERIC '1.50' AS d, DATE '2024-01-15' AS day, TIMESTAMP '2024-01-15 10:30:00.5' AS t,
  [STRUCT(1 AS a, NULL AS n)] AS many, JSON '{"k": [1]}' AS j, CAST(NULL AS STRING) AS nothing
"""


@pytest.fixture(scope="module")
def there() -> Iterator[Warehouse]:
    emulator = BigQueryEmulator()
    emulator.start()
    made = Warehouse(f"http://127.0.0.1:{emulator.port}", "local-project", "shop")
    made._ask("/datasets", {"datasetReference": {"projectId": made.project, "datasetId": "shop"}})
    made.query("CREATE TABLE numbers (n INT64)")
    yield made
    emulator.stop()


def printed(there: Warehouse, sql: str, width: int = 80) -> list[str]:
    return list(asking.as_lines(there.query(sql), width))


def test_every_type_is_json(there: Warehouse) -> None:
    (row,) = json.loads("".join(asking.as_json(there.query(EVERY_TYPE))))
    assert row == {
        "i": 1,
        "f": 1.5,
        "nan": "NaN",
        "b": True,
        "s": "é\t",
        "raw": "YWJj",
        "d": "1.5",
        "day": "2024-01-15",
        "t": "2024-01-15 10:30:00.500000 UTC",
        "many": [{"a": 1, "n": None}],
        "j": {"k": [1]},
        "nothing": None,
    }


def test_a_table_that_fits_is_one_and_a_wide_row_is_a_field_a_line(there: Warehouse) -> None:
    assert printed(there, "SELECT 10 AS n, CAST(NULL AS STRING) AS s UNION ALL SELECT 9, 'é'") == [
        " n  s",
        "──  ────",
        "10  NULL",
        " 9  é",
        "(2 rows)",
    ]
    wide = printed(there, EVERY_TYPE)
    assert wide[0] == "row 1"
    assert "  nothing  NULL" in wide
    assert r"  s        é\t" in wide, "a control character is no business of the terminal"
    assert all(len(line) <= 80 for line in wide)


def test_what_gives_no_rows_says_what_it_did(there: Warehouse) -> None:
    assert printed(there, "CREATE TABLE other (n INT64)") == ["done"]
    assert printed(there, "INSERT INTO other VALUES (1), (2)") == ["2 rows changed"]
    assert printed(there, "UPDATE other SET n = 3 WHERE n = 2") == ["1 row changed"]
    changed = "".join(asking.as_json(there.query("DELETE FROM other WHERE TRUE")))
    assert json.loads(changed) == {"affected_rows": 2}
    assert printed(there, "SELECT n FROM other") == ["n", "─", "(0 rows)"]


def test_pages_follow_one_another(there: Warehouse) -> None:
    most = 2 * PAGE_ROWS + 500
    there.query(f"INSERT INTO numbers SELECT * FROM UNNEST(GENERATE_ARRAY(1, {most})) AS n")
    result = there.query("SELECT n FROM numbers ORDER BY n")
    assert result.total == most
    assert [len(page) for page in result.pages] == [PAGE_ROWS, PAGE_ROWS, 500]
    *rows, count = printed(there, "SELECT n FROM numbers ORDER BY n")[2:]
    assert [int(row) for row in rows] == list(range(1, most + 1))
    assert count == "(2,500 rows)"


def test_a_refusal_is_one_line(there: Warehouse) -> None:
    with pytest.raises(BadQuery, match=r"Not found: Table local-project:shop\.nowhere"):
        there.query("SELECT * FROM nowhere")
    with pytest.raises(BadQuery, match=r"BigQuery at http://127\.0\.0\.1:1 does not answer: "):
        Warehouse("http://127.0.0.1:1", "p", "d").query("SELECT 1")


def test_a_long_answer_goes_through_the_pager(tmp_path: Path) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    seen, out = tmp_path / "seen", Terminal()
    asking.show(map(str, range(500)), out, f"cat > {seen}")
    assert seen.read_text().splitlines() == [str(number) for number in range(500)]
    asking.show(["short"], out, f"cat > {seen}")
    asking.show(map(str, range(100_000)), out, "true")
    assert out.getvalue() == "short\n"


def test_statements_from_a_pipe(there: Warehouse, capsys: pytest.CaptureFixture[str]) -> None:
    source = io.StringIO("SELECT 1 AS a;\nSELECT ';' AS b,\n  2 AS c;\nSELECT x;\nSELECT 4 AS d\n")
    assert asking.run_all(there, source) == 2
    out, err = capsys.readouterr()
    assert out.splitlines() == ["a", "─", "1", "(1 row)", "b  c", "─  ─", ";  2", "(1 row)"]
    assert err.startswith("sql: ")
    assert err.count("\n") == 1


def test_a_prompt_remembers_and_takes_several_lines(
    there: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history"
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("SELECT 41 + 1\rAS answer FROM numbers LIMIT 1;\rSELECT wrong;\r\x04")
        assert shell.run(there, history, None) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == ["answer", "──────", "    42", "(1 row)"]
    assert "wrong" in err
    assert "+SELECT 41 + 1\n+AS answer FROM numbers LIMIT 1;" in history.read_text()


def test_a_word_is_completed_from_the_schema(there: Warehouse) -> None:
    names = shell.Names(there)

    def completed(text: str) -> list[str]:
        return [each.text for each in names.get_completions(Document(text), CompleteEvent())]

    assert completed("SELECT * FROM numb") == ["numbers"]
    assert completed("SELECT n, CUR") == ["CURRENT_TIMESTAMP"]
    assert completed("SELECT N") == ["numbers", "n", "NOT", "NULL"]
    assert completed("SELECT ") == []
    there.query("CREATE TABLE numbers_too (n INT64)")
    names.refresh()
    assert completed("FROM numbers_") == ["numbers_too"]


def test_a_question_by_hand_loads_nothing_heavy() -> None:
    code = "import sys, local.__main__, local.asking; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())
