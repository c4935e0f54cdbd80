"""Functions of other packages as checks; each runs in a process of its own."""

import sys
from threading import Event, Thread
from time import monotonic

import pytest
from pydantic import TypeAdapter, ValidationError

from verifier.checks.evaluate import evaluate
from verifier.checks.registry import Check
from verifier.runs.evaluation import Effect, Result

FUNCTIONS = """
import os, sys, time

def counted(run, wanted=3):
    print("noise")
    return {"result": "holds", "expected": wanted, "done": 3, "evidence": {"day": run.job}}

def partial(run):
    return {"result": "violated", "effect": "partial", "missing": 2}

def unsure(run):
    return {"result": "unknown", "detail": "the moon was not up"}

def raises(run):
    raise LookupError("hunter2")

def dies(run):
    os._exit(3)

def hangs(run):
    time.sleep(60)

def rubbish(run):
    return {"result": "perhaps"}

def floods(run):
    return {"result": "holds", "evidence": {"x": "y" * 1000000}}
"""
NAMES = ["counted", "partial", "unsure", "raises", "dies", "hangs", "rubbish", "floods"]


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory):
    """An installed package that offers its functions as checks."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "acme_checks.py").write_text(FUNCTIONS)
    about = folder / "acme_checks-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1.0\n")
    lines = [f"{name} = acme_checks:{name}" for name in NAMES]
    (about / "entry_points.txt").write_text("\n".join(["[landed.checks]", *lines]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setenv("PYTHONPATH", str(folder))
        yield


def check(name, **fields):
    return {"type": "python", "name": "it", "call": name, **fields}


def test_a_function_answers_whatever_it_prints(ask):
    answer = ask(check("counted", args={"wanted": 4}))

    assert (answer.result, answer.expected, answer.done) == (Result.HOLDS, 4, 3)
    assert answer.evidence["day"] == "daily-revenue"


def test_it_speaks_of_the_effect_where_that_is_declared(ask):
    assert ask(check("partial", says="effect")).effect is Effect.PARTIAL
    assert ask(check("partial")).reason == "wrong_shape"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unsure", "said_so"),
        ("raises", "raised"),
        ("dies", "raised"),
        ("rubbish", "wrong_shape"),
        ("floods", "too_large"),
    ],
)
def test_what_is_no_answer_is_unknown_and_tells_no_secret(ask, name, reason):
    answer = ask(check(name))

    assert (answer.result, answer.reason) == (Result.UNKNOWN, reason)
    assert "hunter2" not in str(answer.evidence)


def test_a_function_that_never_returns_is_ended(ask):
    began = monotonic()

    assert ask(check("hangs", timeout="1s")).reason == "timed_out"
    assert monotonic() - began < 10


def test_a_stop_ends_a_function_and_refuses_the_next(ask, night, now):
    model = TypeAdapter(Check).validate_python(check("hangs"))
    answers = []
    with ask.stores() as stores:
        thread = Thread(target=lambda: answers.extend(evaluate([model], stores, night, now)))
        thread.start()
        Event().wait(0.3)  # so that the function runs, as a rule
        stores.interrupt()
        thread.join(10)
        began = monotonic()
        answers.extend(evaluate([model], stores, night, now))

    assert monotonic() - began < 10
    assert [answer.reason for answer in answers] == ["interrupted", "interrupted"]


def test_a_function_that_nobody_offers_is_an_error():
    with pytest.raises(ValidationError, match="offered are: counted, "):
        TypeAdapter(Check).validate_python(check("no_such"))
