from verifier.config.codes import Code
from verifier.config.problem import ConfigError, Level, Problem, errors_of, in_order


def problem(line: int | None, column: int | None, **more: object) -> Problem:
    given = {"code": Code.BAD_VALUE, "path": "jobs.a", "message": "expected x, found y"} | more
    return Problem(file="landed.yaml", line=line, column=column, **given)  # type: ignore[arg-type] # mixed types


def test_a_problem_is_one_line_with_place_code_path_and_hint() -> None:
    assert str(problem(14, 7, hint="try x")) == (
        "landed.yaml:14:7 LND105 jobs.a: expected x, found y. Hint: try x"
    )
    assert str(problem(1, 1, path="")) == "landed.yaml:1:1 LND105 expected x, found y."


def test_a_warning_says_that_it_is_one() -> None:
    assert "jobs.a: warning: expected x" in str(problem(1, 1, level=Level.WARNING))


def test_a_problem_without_a_place_names_the_file_alone() -> None:
    assert str(problem(None, None)).startswith("landed.yaml LND105 ")


def test_problems_are_in_order_of_their_places_and_told_once() -> None:
    first, second, third = problem(1, 9), problem(2, 1), problem(2, 3)
    assert in_order([third, first, second, first]) == [first, second, third]


def test_errors_are_told_from_warnings() -> None:
    error, warning = problem(1, 1), problem(1, 1, level=Level.WARNING)
    assert errors_of([warning, error]) == [error]


def test_an_error_of_configuration_carries_all_problems() -> None:
    problems = [problem(1, 1), problem(2, 2)]
    error = ConfigError(problems)
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == [str(each) for each in problems]
