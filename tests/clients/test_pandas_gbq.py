"""pandas-gbq: frames to tables and back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas
import pandas_gbq
import pytest
from pandas_gbq.exceptions import GenericGBQException


@pytest.fixture
def name(bigquery_dataset: str) -> str:
    return f"{bigquery_dataset.partition('.')[2]}.people"


@pytest.fixture
def people() -> pandas.DataFrame:
    return pandas.DataFrame(
        {
            "name": ["Ada", "Bob", "Cyd"],
            "age": pandas.array([36, None, 41], dtype="Int64"),
            "score": [1.5, 0.0, -2.0],
            "born": [dt.date(1815, 12, 10), None, dt.date(1900, 1, 1)],
            "seen": pandas.to_datetime(
                ["2024-01-15T10:30:00.123456Z", None, "1970-01-01T00:00:00Z"], format="ISO8601"
            ),
            "here": pandas.array([True, None, False], dtype="boolean"),
        }
    )


@pytest.mark.parametrize("api_method", ["load_parquet", "load_csv"])
@pytest.mark.parametrize("by_storage", [True, False])
def test_a_frame_comes_back(
    people: pandas.DataFrame, name: str, api_method: str, by_storage: bool
) -> None:
    pandas_gbq.to_gbq(people, name, api_method=api_method)
    back = pandas_gbq.read_gbq(f"SELECT * FROM {name} ORDER BY name", use_bqstorage_api=by_storage)
    assert list(back.columns) == list(people.columns)
    for column in people.columns:
        assert [None if pandas.isna(v) else v for v in back[column]] == [
            None if pandas.isna(v) else v for v in people[column]
        ], column


def test_frames_are_added_replaced_and_refused(people: pandas.DataFrame, name: str) -> None:
    pandas_gbq.to_gbq(people, name)
    pandas_gbq.to_gbq(people, name, if_exists="append")
    assert pandas_gbq.read_gbq(f"SELECT COUNT(*) AS n FROM {name}")["n"].tolist() == [6]
    pandas_gbq.to_gbq(people[["name"]], name, if_exists="replace")
    assert pandas_gbq.read_gbq(name).shape == (3, 1)
    with pytest.raises(pandas_gbq.gbq.TableCreationError):
        pandas_gbq.to_gbq(people, name, if_exists="fail")


def test_a_query_takes_parameters_and_decimals_come_exact(name: str) -> None:
    asked = {
        "query": {
            "parameterMode": "NAMED",
            "queryParameters": [
                {
                    "name": "part",
                    "parameterType": {"type": "NUMERIC"},
                    "parameterValue": {"value": "0.1"},
                }
            ],
        }
    }
    frame = pandas_gbq.read_gbq("SELECT @part * 3 AS n", configuration=asked)
    assert frame["n"].tolist() == [Decimal("0.3")]


def test_a_bad_query_raises_what_bigquery_says(name: str) -> None:
    with pytest.raises(GenericGBQException, match="Unrecognized name: nobody at"):
        pandas_gbq.read_gbq("SELECT nobody FROM (SELECT 1 AS a)")
