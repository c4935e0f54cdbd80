import hashlib
import json
import os
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.registry import Check
from verifier.runs.evaluation import Effect, Result

STARTED = datetime(2026, 4, 3, 0, 5, tzinfo=UTC)
CSV = "region,amount\nDE,10\nFR,20\n"


def check(**fields):
    return {"type": "file", "name": "it", "store": "exports", "path": "{day}/orders.csv", **fields}


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / "exports"
    (folder / "2026-04-02").mkdir(parents=True)
    return folder


@pytest.fixture
def write(exports):
    """Writes a file of the day as the job would; ``at`` is when, two minutes on by default."""

    def writing(name, content=CSV, at=STARTED + timedelta(minutes=2)):
        path = exports / "2026-04-02" / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(path, (at.timestamp(), at.timestamp()))
        return path

    return writing


@pytest.fixture
def look(ask, exports, night):
    """Asks one check of files, for a run that started at five past."""
    run = msgspec.structs.replace(night, started=STARTED)

    def looking(fields, question=run, **store):
        stores = {"exports": {"type": "files", "url": str(exports), **store}}
        return ask(fields, question, stores=stores)

    return looking


GOOD = hashlib.sha256(CSV.encode()).hexdigest()


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, []),
        ({"size": {"ge": 1}}, []),
        ({"size": {"le": 3}}, ["its size is 26 bytes"]),
        ({"rows": {"eq": 2}}, []),
        ({"rows": {"eq": 2, "header": False}}, ["it has 3 rows"]),
        ({"rows": {"ge": 3}}, ["it has 2 rows"]),
        ({"checksum": {"eq": GOOD.upper()}}, []),
        ({"checksum": {"eq": "0" * 64}}, ["its checksum is another"]),
        ({"newer_than_start": True}, []),
    ],
)
def test_a_file_is_measured(look, write, fields, wrong):
    write("orders.csv")

    answer = look(check(**fields))

    assert answer.evidence["wrong"] == wrong
    assert answer.result is (Result.VIOLATED if wrong else Result.HOLDS)
    assert answer.effect is None


def test_a_file_that_is_not_there_is_a_violation_and_one_of_yesterday_too(look, write):
    missing = look(check())
    write("orders.csv", at=STARTED - timedelta(days=1))
    old = look(check(newer_than_start=True))

    assert (missing.result, missing.evidence["wrong"]) == (Result.VIOLATED, ["it is not there"])
    assert old.evidence["wrong"] == ["it is older than the run"]


def test_a_run_that_nobody_saw_start_cannot_be_compared_with(look, write, night):
    write("orders.csv")

    assert look(check(newer_than_start=True), night).reason == "no_start"


def test_rows_are_compared_with_what_a_database_expects(look, write, orders):
    write("orders.csv")
    expected = {"store": "orders", "sql": "select count(*) from regions where code < 'IT'"}

    assert look(check(rows={"expected": expected})).result is Result.HOLDS
    expected["sql"] = "select count(*) from regions"
    violated = look(check(rows={"expected": expected}))
    assert violated.evidence["wrong"] == ["it has 2 rows"]
    assert violated.evidence["expected"]["count"] == 4


@pytest.mark.parametrize(
    ("name", "content", "rows", "broken"),
    [
        ("a.csv", "a,b\n1,2\n3\n", 2, "row 2 has 1 columns, the first has 2"),
        ("a.csv", 'a,b\n1,"torn', 0, "unexpected end of data"),
        ("a.csv", '\ufeffa,b\r\n1,"x\r\ny"\r\n', 1, None),
        ("a.csv", "", 0, "no header"),
        ("a.csv", "a,b\n", 0, None),
        ("a.ndjson", '{"a": 1}\n\n{"a": 2}\n', 2, None),
        ("a.ndjson", '{"a": 1}\n{"a": ', 1, "row 2 is no JSON"),
        ("a.jsonl", "", 0, None),
        ("a.parquet", "no parquet at all", 0, "Parquet"),
    ],
)
def test_rows_are_counted_and_a_torn_file_is_known(look, write, name, content, rows, broken):
    write(name, content)

    answer = look(check(path="{day}/" + name, rows={"ge": 0}))

    assert answer.evidence["rows"] == rows
    if broken is None:
        assert answer.result is Result.HOLDS
    else:
        assert answer.result is Result.VIOLATED
        assert broken in answer.evidence["wrong"][0]


def test_rows_of_parquet_are_told_by_its_footer(look, write):
    import pyarrow
    import pyarrow.parquet

    path = write("a.parquet", b"")
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, 2, 3]}), path)

    assert look(check(path="{day}/a.parquet", rows={"eq": 3})).result is Result.HOLDS


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda day: (day / "orders.csv").mkdir(), "no_such_file"),
        (lambda day: os.mkfifo(day / "orders.csv"), "no_such_file"),
        (lambda day: (day / "orders.csv").symlink_to("/etc/hostname"), "out_of_root"),
        (lambda day: (day / "orders.csv").write_bytes(b"a,b\n\xff\xfe\n"), "not_text"),
        (lambda day: (day / "orders.csv").write_bytes(b"x" * 2000), "too_large"),
    ],
    ids=["a folder", "a pipe", "a link that leads out", "no text", "large"],
)
def test_what_is_no_file_of_ours_is_unknown(look, exports, prepare, reason):
    prepare(exports / "2026-04-02")

    answer = look(check(rows={"ge": 0}), max_bytes=1000)

    assert (answer.result, answer.reason) == (Result.UNKNOWN, reason)


@pytest.mark.parametrize("path", ["../secret.csv", "a/../../x.csv", "/etc/passwd", "a//b.csv", "."])
def test_no_path_leaves_the_root(look, exports, path):
    (exports.parent / "secret.csv").write_text(CSV)

    assert look(check(path=path)).reason == "out_of_root"


def test_a_link_within_the_root_is_followed(look, write, exports):
    write("real.csv")
    (exports / "2026-04-02" / "orders.csv").symlink_to("real.csv")

    assert look(check()).result is Result.HOLDS


def test_a_root_that_is_not_there_is_unreachable_and_nothing_is_missing(look, exports, tmp_path):
    exports.rename(tmp_path / "unmounted")

    assert look(check()).reason == "unreachable"
    assert look(check(path="{day}", manifest="{day}/manifest.json")).reason == "unreachable"


MANY = {"path": "{day}", "manifest": "{day}/manifest.json"}


def manifest(**files):
    """Lists files with their sizes and checksums."""
    return json.dumps(
        {
            "files": [
                {
                    "name": f"{name}.csv",
                    "size": len(content),
                    "sha256": hashlib.sha256(content.encode()).hexdigest(),
                }
                for name, content in files.items()
            ]
        }
    )


@pytest.mark.parametrize(
    ("files", "effect", "counts"),
    [
        ({}, Effect.NONE, (0, 2, 0, 0)),
        ({"a": "one", "b": "two"}, Effect.COMPLETE, (2, 0, 0, 0)),
        ({"a": "one"}, Effect.PARTIAL, (1, 1, 0, 0)),
        ({"a": "one", "b": "tw"}, Effect.PARTIAL, (1, 1, 0, 0)),
        ({"a": "xxx", "b": "yyy"}, Effect.PARTIAL, (0, 2, 0, 0)),
        ({"a": "one", "b": "two", "a (1)": "one"}, Effect.DUPLICATED, (2, 0, 1, 0)),
        ({"a": "one", "a (1)": "one"}, Effect.DUPLICATED, (1, 1, 1, 0)),
        ({"a": "one", "b": "two", "c": "new"}, Effect.COMPLETE, (2, 0, 0, 1)),
        ({"c": "other"}, Effect.PARTIAL, (0, 2, 0, 1)),
    ],
)
def test_a_manifest_tells_what_is_there_of_a_folder(look, write, files, effect, counts):
    write("manifest.json", manifest(a="one", b="two"))
    for name, content in files.items():
        write(f"{name}.csv", content)

    answer = look(check(**MANY))

    assert answer.effect is effect
    assert (answer.done, answer.missing, answer.surplus, answer.unexpected) == counts
    assert (answer.result is Result.HOLDS) == (effect is Effect.COMPLETE and not counts[3])


def test_files_of_an_earlier_run_do_not_count(look, write):
    write("manifest.json", manifest(a="one", b="two"))
    write("a.csv", "one")
    write("b.csv", "two", at=STARTED - timedelta(hours=1))

    answer = look(check(**MANY, newer_than_start=True))

    assert (answer.effect, answer.missing) == (Effect.PARTIAL, 1)
    assert answer.evidence["sample"]["damaged"] == ["b.csv"]


def test_names_may_come_from_a_database(look, write, orders):
    files = {"store": "orders", "sql": "select code || '.csv' from regions where active"}
    write("DE.csv")
    write("FR.csv", "fr")

    answer = look(check(path="{day}", files=files))

    assert (answer.effect, answer.expected, answer.missing) == (Effect.PARTIAL, 3, 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "no_such_file"),
        ("", "expected_empty"),
        ("[]", "expected_empty"),
        ('{"files": 5}', "wrong_shape"),
        ('{"files": [{"name": 5}]}', "wrong_shape"),
        ('["a.csv"', "wrong_shape"),
        ("../a.csv\n", "wrong_shape"),
        (b"\xff\xfe", "not_text"),
    ],
)
def test_a_manifest_that_cannot_be_read_proves_nothing(look, write, text, reason):
    write("a.csv")
    if text is not None:
        write("manifest.json", text)

    answer = look(check(**MANY))

    assert (answer.result, answer.reason, answer.effect) == (Result.UNKNOWN, reason, None)


@pytest.mark.parametrize(
    "text", ["a.csv\nb.csv\n", f"{GOOD}  a.csv\n{GOOD} *./b.csv\n", '["a.csv", {"name": "b.csv"}]']
)
def test_a_manifest_may_be_a_plain_list(look, write, text):
    write("manifest.json", text)
    write("a.csv")
    write("b.csv")

    assert look(check(**MANY)).effect is Effect.COMPLETE


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"rows": {}}, "expected a bound"),
        ({"rows": {"eq": 1}, "path": "x.bin"}, "expected 'format'"),
        ({"size": {}}, "bound of size"),
        ({"checksum": {}}, "either 'eq' or 'path'"),
        ({**MANY, "size": {"ge": 1}}, "expected no 'size'"),
        ({**MANY, "proves": "complete"}, "speaks of the effect by itself"),
        ({"path": "{nothing}.csv"}, "expected a parameter"),
    ],
)
def test_what_cannot_be_meant_is_an_error(fields, says):
    with pytest.raises(ValidationError, match=says):
        TypeAdapter(Check).validate_python(check(**fields))
