"""Transforms of Beam's own that others' pipelines use, as they are, on LocalRunner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet
import pytest
from apache_beam.io import fileio
from apache_beam.ml.inference.base import KeyedModelHandler, ModelHandler, RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows
from apache_beam.utils.timestamp import Timestamp

from localgcp.beam import LocalRunner
from tests.unit.emulators.beam.script import Message, play


@pytest.fixture
def pipeline() -> Iterator[beam.Pipeline]:
    with beam.Pipeline(LocalRunner(), options=PipelineOptions(["--streaming"])) as made:
        yield made


class Model:
    """Knows how long a text is."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


class Lengths(ModelHandler[str, int, Model]):
    """Loads the model and asks it."""

    def load_model(self) -> Model:
        return Model()

    def run_inference(
        self, batch: Sequence[str], model: Model, inference_args: Any = None
    ) -> Iterable[int]:
        return model.lengths(batch)


def test_a_model_is_asked(pipeline: beam.Pipeline) -> None:
    texts = pipeline | beam.Create([("a", "x"), ("b", "xxx")])
    assert_that(texts | RunInference(KeyedModelHandler(Lengths())), equal_to([("a", 1), ("b", 3)]))


def test_a_model_is_asked_by_a_stream() -> None:
    def asked(texts: Any) -> Any:
        return texts | RunInference(Lengths()) | beam.Map(lambda length: ("k", [str(length)]))

    script = play(asked, [Message("a", 1), Message("bbb", 2)])
    assert sorted(script.panes) == [["1"], ["3"]]
    assert sorted(script.ack_ids) == ["ack-1", "ack-2"]


def test_parquet_is_written(tmp_path: Path) -> None:
    rows = [{"n": 1, "name": "a"}, {"n": 2, "name": "b"}]
    schema = pa.schema([("n", pa.int64()), ("name", pa.string())])
    sink = beam.io.WriteToParquet(str(tmp_path / "out"), schema, file_name_suffix=".parquet")
    with beam.Pipeline(LocalRunner()) as pipeline:
        pipeline | beam.Create(rows) | sink
    written = [pa.parquet.read_table(path).to_pylist() for path in tmp_path.glob("out*.parquet")]
    assert sorted((row for part in written for row in part), key=lambda row: row["n"]) == rows


def test_a_stream_is_written_to_parquet_in_shards(tmp_path: Path) -> None:
    """Beam's sinks have one open file each; two shards in one bundle would lose rows."""

    def written(texts: Any) -> None:
        rows = texts | beam.Map(lambda text: {"name": text})
        schema = pa.schema([("name", pa.string())])
        place = str(tmp_path / "out")
        rows | beam.io.WriteToParquet(place, schema, num_shards=2, triggering_frequency=10)

    names = [f"n{number}" for number in range(20)]
    first, second = names[:10], names[10:]
    play(
        written,
        [Message(name, 1) for name in first],
        [Message(name, 11) for name in second],
        30.0,
        state=tmp_path / "state",
    )
    files = list(tmp_path.glob("out*"))
    assert len(files) == 4
    rows = [row["name"] for path in files for row in pa.parquet.read_table(path).to_pylist()]
    assert sorted(rows) == sorted(names)


def test_a_stream_is_written_to_files_by_window(tmp_path: Path) -> None:
    """WriteToFiles keeps side inputs, so the durable engine runs it."""

    def written(texts: Any) -> None:
        windowed = texts | beam.WindowInto(FixedWindows(10))
        windowed | fileio.WriteToFiles(str(tmp_path / "out"), shards=1, sink=fileio.TextSink())

    play(written, [Message("a", 1), Message("b", 2)], [Message("c", 11)], 30.0, state=tmp_path)
    files = sorted(sorted(path.read_text().split()) for path in (tmp_path / "out").glob("output-*"))
    assert files == [["a", "b"], ["c"]]


def test_files_are_found_as_they_come(pipeline: beam.Pipeline, tmp_path: Path) -> None:
    (tmp_path / "early").write_text("1")
    now = Timestamp.now()

    def write_another(found: Any) -> str:
        (tmp_path / "late").write_text("2")
        return Path(found.path).name

    names = pipeline | fileio.MatchContinuously(
        str(tmp_path / "*"), interval=0.2, start_timestamp=now, stop_timestamp=now + 1
    )
    assert_that(names | beam.Map(write_another), equal_to(["early", "late"]))
