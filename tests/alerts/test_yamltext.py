"""Whatever people write into names and statements comes back as the same text."""

from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from verifier.alerts.yamltext import block, quoted

ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def read(text: str) -> object:
    return YAML(typ="safe", pure=True).load(StringIO(text))


@given(ANY)
def test_a_quoted_text_is_read_back_as_it_was(text: str) -> None:
    written = quoted(text)
    assert written.isascii()
    assert "\n" not in written
    assert read(f"a: {written}\n") == {"a": text}


def test_what_is_no_character_is_replaced() -> None:
    assert read(f"a: {quoted('x' + chr(0xD83D))}") == {"a": "x\ufffd"}


def test_words_that_yaml_takes_for_something_else_stay_words() -> None:
    for text in ("on", "no", "1e3", "~", "", "2026-04-03", "{{ x }}", "- a", "# a"):
        assert read(f"a: {quoted(text)}") == {"a": text}


def test_lines_stay_lines_and_one_line_stays_plain() -> None:
    assert list(block(4, "expr", "a > 0")) == ["  expr: a > 0"]
    assert read("\n".join(block(4, "expr", "a\nor\n(\n  b\n)"))) == {"expr": "a\nor\n(\n  b\n)"}


def test_one_line_that_is_not_plain_is_quoted() -> None:
    for text in ('{a="b"}', "a: b", "a # b", "-1 * a"):
        assert read("\n".join(block(4, "expr", text))) == {"expr": text}
