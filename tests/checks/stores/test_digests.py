"""What a database makes of a key is what Python makes of it: every value, to the byte."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url

from verifier.checks.keys import key_of
from verifier.checks.sketch import digest, sketch_of

WORDS = ("a", "A", "a ", " a", "", "é", "e\u0301", "日本", "👩\u200d🔬", "12:x", "x''y%z")
TEXTS = [f"'{word}'" for word in WORDS]
DAYS = ["'2026-04-02'", "'0987-01-01'", "'9999-12-31'"]
TIMES = ["'2026-04-02 08:00:00'", "'2026-04-02 08:00:00.000005'", "'2026-04-02 08:00:00.5'"]
DECIMALS = ["0", "1", "-1", "100", "1.5", "100.00", "0.10", "-0.01", "-0.00", "12345678.999"]
EVERYWHERE: dict[str, list[str]] = {
    "varchar(40)": TEXTS,
    "char(9)": ["'a'", "'a '", "''"],
    "smallint": ["0", "1", "-32768"],
    "integer": ["0", "7", "-7"],
    "bigint": ["9223372036854775807", "-9223372036854775808"],
    "decimal(20, 4)": DECIMALS,
    "decimal(20, 0)": ["0", "100", "-20"],
    "boolean": ["true", "false"],
    "date": DAYS,
}
TYPES: dict[str, dict[str, list[str]]] = {
    "postgresql": {
        **EVERYWHERE,
        "text": TEXTS,
        "name": ["'a '"],
        "numeric": [*DECIMALS, "1e30", "'NaN'"],
        "timestamp": [*TIMES, "'0001-01-01 00:00:00'"],
        "timestamptz": [*TIMES, "'2026-04-02 08:00:00+05:30'"],
        "uuid": ["'0C6A1E9E-0000-4000-8000-000000000001'"],
    },
    "mariadb": {
        **EVERYWHERE,
        "varchar(40) character set utf8mb4 collate utf8mb4_general_ci": TEXTS,
        "varchar(40) character set latin1": ["'é'", "'a'"],
        "varchar(40) character set utf16": ["'é'", "'日本'"],
        "text character set utf8mb4": TEXTS,
        "enum('a', 'B')": ["'a'", "'B'"],
        "integer(9) unsigned zerofill": ["7"],
        "decimal(9, 2) zerofill": ["7.50"],
        "bigint unsigned": ["18446744073709551615"],
        "year": ["2026"],
        "datetime": TIMES,
        "datetime(3)": TIMES,
        "datetime(6)": TIMES,
        "timestamp(6)": TIMES,
    },
    "duckdb": {
        **EVERYWHERE,
        "varchar collate nocase": TEXTS,
        "hugeint": ["170141183460469231731687303715884105727"],
        "ubigint": ["18446744073709551615"],
        "decimal(3, 2)": ["0.5", "-0.05", "0"],
        "timestamp": [*TIMES, "'0001-01-01 00:00:00'"],
        "timestamptz": [*TIMES, "'2026-04-02 08:00:00+05:30'"],
        "uuid": ["'0C6A1E9E-0000-4000-8000-000000000001'"],
    },
}
UNCERTAIN = {
    "postgresql": {"date": ["'infinity'"], "timestamp": ["'-infinity'"]},
    "mariadb": {"date": ["'0000-00-00'"], "datetime": ["'0000-00-00'"]},
    "duckdb": {"date": ["'infinity'"], "timestamp": ["'infinity'"]},
}
"""Values that Python cannot hold, or holds as something else."""
OTHERS = {
    "postgresql": ["double precision", "bytea", "interval", "jsonb", "time", "integer[]"],
    "mariadb": ["double", "blob", "varbinary(9)", "time", "bit(3)"],
    "duckdb": [
        *("double", "blob", "interval", "time", "timestamp_ns"),
        *("integer[]", "decimal(9, 2)[]", "decimal(2, 2)"),
    ],
}
"""Types whose plain text is not certain to be the same in SQL."""


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ]
)
def kind(request):
    """Those that take digests."""
    return request.param


@pytest.fixture
def planted(target, open_store):
    """Makes a table with a column ``v`` of a type, and values in it; gives a session."""
    store = open_store(target)

    def planting(kind: str, values: list[str]) -> Any:
        rows = ", ".join(f"({value})" for value in values)
        if target.kind != "duckdb":
            rows = rows.replace("%", "%%")
        with target.writing() as execute:
            if target.kind == "mariadb":
                execute("set sql_mode = ''")
            execute("drop table if exists t")
            execute(f"create table t (v {kind})")
            execute(f"insert into t values {rows}")
        return store.session()

    return planting


def asked(session: Any, select: str) -> list[tuple[Any, ...]]:
    with session.select(f"SELECT {select} FROM t", {}) as rows:
        return list(rows)


def texts_of(session: Any, *columns: str) -> Any:
    return session.plain(f"SELECT {', '.join(columns)} FROM t LIMIT 0", {}, columns)


def test_a_digest_is_that_of_the_plain_text_in_python(planted, target):
    for kind, values in TYPES[target.kind].items():
        with planted(kind, [*values, "null"]) as session:
            texts = texts_of(session, "v")
            assert texts is not None, kind
            found = asked(session, f"v, {texts[0]}, {session.digests.digest(texts)}")
        assert len(found) == len(values) + 1
        for value, text, named in found:
            (plain,) = key_of([value])
            assert (kind, text, named) == (kind, plain, digest((plain,)))


def test_the_digest_of_several_values_tells_them_apart(planted, target):
    with planted("varchar(40)", [*TEXTS, "null"]) as session:
        texts = texts_of(session, "v", "3", "v")
        found = asked(session, f"v, {session.digests.digest(texts)}")

    assert [named for _, named in found] == [digest(key_of([v, 3, v])) for v, _ in found]
    assert len({named for _, named in found}) == len(found)


def test_a_sum_of_numbers_is_that_of_a_sketch(planted, target):
    with planted("varchar(40)", TEXTS * 50) as session:
        named = session.digests.digest(texts_of(session, "v"))
        ((total,),) = asked(session, f"sum({session.digests.number(named)})")
        keys = [(key_of(row), 1) for row in asked(session, "v")]

    assert int(total) % 2**64 == sketch_of(keys).total


def test_a_value_that_python_does_not_hold_as_it_is_has_no_digest(planted, target):
    for kind, values in UNCERTAIN[target.kind].items():
        with planted(kind, values) as session:
            found = asked(session, session.digests.digest(texts_of(session, "v")))
        assert found == [(None,)] * len(values), kind


def test_of_other_types_nothing_is_certain(planted, target):
    for kind in OTHERS[target.kind]:
        with planted(kind, ["null"]) as session:
            assert texts_of(session, "v") is None, kind


@pytest.mark.slow
def test_a_database_that_keeps_text_in_other_bytes_takes_no_digests(
    postgres_server, make_target, open_store
):
    server = make_target(postgres_server)
    name = f"latin_{uuid4().hex}"
    server.write(f"create database {name} encoding 'LATIN1' locale 'C' template template0")
    target = make_target(
        make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    )
    try:
        target.write("create table t (v text)", "insert into t values ('é')")
        store = open_store(target)
        with store.session() as session:
            assert asked(session, "v") == [("é",)]
            assert texts_of(session, "v") is None
        store.close()
    finally:
        server.write(f"drop database {name} with (force)")
