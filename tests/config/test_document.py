import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.config.codes import Code
from verifier.config.document import Document, read_document
from verifier.config.problem import Place, Problem


def good(text: str) -> Document:
    document, problems = read_document(text, "landed.yaml")
    assert problems == []
    assert document is not None
    return document


def bad(text: str) -> list[Problem]:
    document, problems = read_document(text, "landed.yaml")
    assert document is None
    return problems


def where(problem: Problem) -> tuple[Code, int | None, int | None]:
    return problem.code, problem.line, problem.column


def test_every_value_and_key_has_its_place() -> None:
    document = good("a: 1\nb:\n  - x\n  - {c: on}\n")
    assert document.content == {"a": 1, "b": ["x", {"c": "on"}]}
    assert document.place(("a",)) == Place(1, 4)
    assert document.key_place(("b",)) == Place(2, 1)
    assert document.place(("b", 1, "c")) == Place(4, 9)
    assert document.key_place(("b", 1, "c")) == Place(4, 6)


def test_what_is_not_there_is_placed_at_what_is_around_it() -> None:
    document = good("a:\n  b: 1\n")
    assert document.place(("a", "missing", 3)) == Place(2, 3)
    assert document.key_place(("a", "missing")) == Place(1, 1)
    assert document.place(("nowhere",)) == Place(1, 1)


def test_an_alias_repeats_a_whole_value() -> None:
    document = good("a: &x {b: [1, 2]}\nc: *x\n")
    assert document.content == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}}
    assert document.place(("c", "b", 1)) == document.place(("a", "b", 1))


def test_keys_are_the_words_that_stand_there() -> None:
    assert good("on: 1\ntrue: 2\n2026: 3\n~: 4\n").content == {
        "on": 1,
        "true": 2,
        "2026": 3,
        "~": 4,
    }


def test_a_byte_order_mark_and_carriage_returns_are_no_part_of_the_text() -> None:
    assert good("\ufeffa: b\r\nc: d\r\n").content == {"a": "b", "c": "d"}


def test_quoted_scalars_are_text() -> None:
    assert good("a: \"1\"\nb: 'true'\nc: |\n  x\n").content == {"a": "1", "b": "true", "c": "x\n"}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a:\n\tb: c", 2, 1),
        ("a: b: c", 1, 5),
        ('a: 1\nb: "never ends', 2, 4),
        ("a: [1, 2", 1, 9),
        ("a: 1\nb\nc: 2", 2, 1),
        ("a: @b", 1, 4),
        ('a: "\\q"', 1, 6),
        ('a:\n  b: "\\U0011FFFF"', 2, 3),
        ('a: "\\ud800"', 1, 4),
        ("a: 1\nb: \x07", 2, 4),
        ("a: !no!tag b", 1, 4),
        ("a: |99\n  x", 1, 6),
    ],
)
def test_broken_yaml_is_one_error_at_its_place(text: str, line: int, column: int) -> None:
    (problem,) = bad(text)
    assert problem.code is Code.BROKEN_YAML
    assert problem.message.startswith("expected ")
    assert ", found" in problem.message
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a:\n  b: 1\n c\n", "found a text"),
        ('a: "x" y\n', "found a text"),
        ("a: {b: {} c: 2}\n", "expected ',' or '}', found a text"),
        ("a:\n - b\n c: 1\n", "expected the next key or item, or the end, found '?'"),
    ],
)
def test_what_the_parser_found_is_told_in_words(text: str, found: str) -> None:
    _, (problem,) = read_document(text, "landed.yaml")
    assert found in problem.message
    assert "<" not in problem.message


def test_a_second_document_is_refused_where_it_starts() -> None:
    assert [where(each) for each in bad("a: 1\n---\nb: 2\n")] == [(Code.SEVERAL_DOCUMENTS, 2, 1)]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "null\n", "~"])
def test_an_empty_file_is_told_so(text: str) -> None:
    assert [where(each) for each in bad(text)] == [(Code.EMPTY, 1, 1)]


def test_each_key_that_stands_twice_is_told_with_both_places() -> None:
    document, problems = read_document("a: 1\nb: {c: 1, c: 2}\na: 3\n", "landed.yaml")
    assert document is not None
    assert document.content == {"a": 1, "b": {"c": 1}}
    assert [where(each) for each in problems] == [
        (Code.DUPLICATE_KEY, 2, 11),
        (Code.DUPLICATE_KEY, 3, 1),
    ]
    assert "stands at 2:5 already" in problems[0].message
    assert "stands at 1:1 already" in problems[1].message


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: !!python/object:os.system x", 1, 4),
        ("a: ! x", 1, 4),
        ("a: !!str 1", 1, 4),
        ("x: {a: 1}\ny: {<<: {b: 2}}", 2, 5),
        ("%YAML 1.1\n---\na: yes", 2, 1),
        ("&k a: 1", 1, 1),
    ],
)
def test_tags_merge_keys_and_other_versions_are_refused(text: str, line: int, column: int) -> None:
    _, problems = read_document(text, "landed.yaml")
    assert [where(each) for each in problems] == [(Code.YAML_FEATURE, line, column)]


@pytest.mark.parametrize("text", ["? [a]\n: b", "? {a: 1}\n: b", "a: &x 1\n*x : 2", "{[a]: 1}"])
def test_a_key_that_is_no_word_is_refused(text: str) -> None:
    assert bad(text)[0].code is Code.YAML_FEATURE


@pytest.mark.parametrize(
    ("text", "column"), [("a: *none", 4), ("a: &x [1, *x]", 11), ("a: &x {b: *x}", 11)]
)
def test_an_alias_to_nothing_or_to_itself_is_refused(text: str, column: int) -> None:
    _, problems = read_document(text, "landed.yaml")
    assert [where(each) for each in problems] == [(Code.BAD_ALIAS, 1, column)]


def test_an_alias_bomb_is_given_up_before_it_grows() -> None:
    grow = (f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30))
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *grow]
    began = time.monotonic()
    (problem,) = bad("\n".join(lines))
    assert problem.code is Code.TOO_COMPLEX
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["[" * 5000, "- " * 5000, "{a: " * 5000])
def test_deep_nesting_is_given_up(text: str) -> None:
    assert bad(text)[0].code is Code.TOO_COMPLEX


def test_the_depth_of_aliases_counts() -> None:
    deep = "[" * 20 + "]" * 20
    assert bad(f"a: &x {deep}\nb: {'[' * 20}*x{']' * 20}")[0].code is Code.TOO_COMPLEX


def test_too_many_values_are_given_up() -> None:
    thousand = f"a: &a [{'1,' * 1000}]"
    assert bad(f"{thousand}\nb: [{'*a,' * 100}]")[0].code is Code.TOO_COMPLEX
    assert good(f"{thousand}\nb: [{'*a,' * 97}]")


def test_a_flood_of_problems_is_cut() -> None:
    assert len(bad("a: 1\n" * 1000)) == 100


@pytest.mark.parametrize(
    "text",
    [
        "password: *hunter2secret",
        "password: !hunter2secret!x y",
        "tokens:\n  hunter2secret: 1\n  hunter2secret: 2\n",
        'password: "hunter2secret',
        "password: 'hunter2secret' x",
        'password: "\\hunter2secret"',
    ],
)
def test_no_error_of_the_yaml_repeats_what_stands_at_a_secret_key(text: str) -> None:
    _, problems = read_document(text, "landed.yaml")
    assert problems
    assert not any("hunter2" in str(problem) for problem in problems)


@given(st.text(max_size=200))
def test_no_text_at_all_raises_anything(text: str) -> None:
    _, problems = read_document(text, "landed.yaml")
    assert all(problem.line and problem.column for problem in problems)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"\\%#,?\n\t ~<=@`.…\ud800", max_size=60))
def test_no_text_of_yaml_signs_raises_anything(text: str) -> None:
    document, problems = read_document(text, "landed.yaml")
    assert (document is not None) or problems
