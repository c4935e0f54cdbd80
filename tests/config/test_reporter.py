from typing import Any

from verifier.config.codes import Code
from verifier.config.document import read_document
from verifier.config.reporter import Reporter, Subject, at


def subject(text: str, value: Any = None) -> Subject:
    document, problems = read_document(text, "landed.yaml")
    assert document is not None
    assert problems == []
    content = document.content
    return Subject(file="landed.yaml", written=content, value=value or content, document=document)


def test_a_part_reports_with_its_whole_path() -> None:
    whole = subject("jobs:\n  a: {b: [1, 2]}\n")
    part = Reporter(whole).below("jobs", "a")
    part.error(Code.BAD_VALUE, ("b", 1), "expected x, found y")
    part.warning(Code.BAD_VALUE, ("b",), "expected x, found y", at_key=True)
    assert [(each.path, each.line, each.column) for each in whole.problems] == [
        ("jobs.a.b[1]", 2, 14),
        ("jobs.a.b", 2, 7),
    ]
    assert part.written == {"b": [1, 2]}


def test_a_part_has_errors_where_one_was_reported_at_or_below_it() -> None:
    reporter = Reporter(subject("a: {b: 1}\nc: {d: 1}\n"))
    reporter.error(Code.BAD_VALUE, ("a", "b"), "expected x, found y")
    reporter.warning(Code.BAD_VALUE, ("c", "d"), "expected x, found y")
    assert reporter.has_errors
    assert reporter.below("a").has_errors
    assert not reporter.below("c").has_errors


def test_nothing_more_is_told_at_a_settled_place_but_it_still_counts() -> None:
    whole = subject("a: {b: 1}\n")
    reporter = Reporter(whole)
    reporter.error(Code.MISSING_VARIABLE, ("a", "b"), "expected x, found y")
    reporter.settle()
    reporter.error(Code.WRONG_TYPE, ("a", "b"), "expected z, found y")
    reporter.error(Code.WRONG_TYPE, ("a",), "expected z, found y")
    assert [each.code for each in whole.problems] == [Code.MISSING_VARIABLE, Code.WRONG_TYPE]
    assert reporter.below("a", "b").has_errors


def test_a_message_that_quotes_what_a_reference_stands_for_is_replaced() -> None:
    whole = subject("a: {b: '${X}'}\n", value={"a": {"b": "hunter2"}})
    reporter = Reporter(whole)
    reporter.error(Code.BAD_VALUE, ("a", "b"), "expected 5, found 'hunte'")
    reporter.error(Code.BAD_VALUE, ("a",), "expected 5", "not 'unter2'", quotes=True)
    reporter.error(Code.BAD_VALUE, (), "expected 5, found hunter2 and more")
    assert [each.message for each in whole.problems] == [
        "expected another value, found '${X}'",
        "expected another value, found a mapping",
        "expected 5, found … and more",
    ]
    assert not any("unter" in str(each) for each in whole.problems)


def test_what_is_nowhere_is_none() -> None:
    content = {"a": [1, {"b": 2}]}
    assert at(content, ("a", 1, "b")) == 2
    assert at(content, ("a", 2)) is None
    assert at(content, ("a", "b")) is None
    assert at(content, ("a", 0, "b")) is None
