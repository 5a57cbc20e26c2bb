"""sqlalchemy-bigquery: tables made, filled, joined and looked at by SQLAlchemy's own objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


@pytest.fixture
def engine(bigquery_dataset: str) -> Iterator[Engine]:
    made = create_engine(f"bigquery://{bigquery_dataset.replace('.', '/')}")
    yield made
    made.dispose()


def test_core_makes_fills_and_reads_tables(engine: Engine) -> None:
    metadata = MetaData()
    people = Table("people", metadata, Column("name", String), Column("age", Integer))
    owed = Table("owed", metadata, Column("name", String), Column("sum", Numeric(10, 2)))
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(people), [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 41}])
        connection.execute(insert(owed), {"name": "Ada", "sum": 1.25})
        connection.execute(update(people).where(people.c.name == "Bob").values(age=42))
        joined = (
            select(people.c.name, func.coalesce(func.sum(owed.c.sum), 0).label("owes"))
            .outerjoin(owed, people.c.name == owed.c.name)
            .group_by(people.c.name)
            .order_by(people.c.name)
        )
        assert [tuple(row) for row in connection.execute(joined)] == [("Ada", 1.25), ("Bob", 0)]
        assert connection.execute(select(func.sum(people.c.age))).scalar() == 78
    metadata.drop_all(engine)
    assert inspect(engine).get_table_names() == []


def test_a_table_is_reflected(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TABLE events (day DATE NOT NULL, items ARRAY<STRUCT<id STRING, n INT64>>)"
                " PARTITION BY day OPTIONS (description = 'what came')"
            )
        )
        connection.execute(text("CREATE VIEW days AS SELECT DISTINCT day FROM events"))
    seen = inspect(engine)
    assert seen.get_table_names() == ["events"]
    assert seen.get_view_names() == ["days"]
    assert seen.get_table_comment("events") == {"text": "what came"}
    found = {column["name"]: column for column in seen.get_columns("events")}
    assert not found["day"]["nullable"]
    assert str(found["items"]["type"]).startswith("ARRAY")


class Base(DeclarativeBase):
    """The tables' base."""


class Person(Base):
    """A row of `person`."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


def test_the_orm_writes_changes_and_deletes(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Person(id=1, name="Ada"), Person(id=2, name="Bob")])
        session.commit()
        ada = session.scalars(select(Person).where(Person.name == "Ada")).one()
        ada.name = "Ada L."
        session.delete(session.get_one(Person, 2))
        session.commit()
        assert session.execute(select(Person.id, Person.name)).all() == [(1, "Ada L.")]


def test_a_missing_table_is_named(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DatabaseError, match="Not found: Table"):
        connection.execute(text("SELECT * FROM nowhere"))
