from hashlib import md5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.checks.keys import sketch
from verifier.checks.sketch import Sketch, digest, sketch_of


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (("DE",), "DE"),
        (("",), ""),
        (("é",), "é"),
        (("2026-04-02", "é:1"), "10:2026-04-023:é:1"),
        (("", ""), "0:0:"),
    ],
)
def test_a_digest_is_the_md5_of_a_text_that_no_other_key_has(key, text):
    assert digest(key) == md5(text.encode(), usedforsecurity=False).hexdigest()


def test_a_key_with_null_in_it_has_no_digest():
    assert digest((None,)) is None
    assert digest(("a", None)) is None


def test_text_that_is_no_unicode_has_a_digest_all_the_same():
    assert digest(("\ud800",)) != digest(("\ud801",))


def test_sketches_of_parts_add_up_to_that_of_the_whole():
    keys = [((str(number),), number) for number in range(1, 9)]

    parts = sum((sketch_of([each]) for each in keys), Sketch())

    assert parts == sketch_of(keys)
    assert parts.count == 36
    assert 0 <= parts.total < 2**64


COUNTED = st.lists(st.tuples(st.tuples(st.text(), st.one_of(st.none(), st.text())), st.integers(1)))


@given(COUNTED, st.randoms())
def test_a_sketch_names_a_set_whatever_its_order(counted, random):
    shuffled = list(counted)
    random.shuffle(shuffled)

    assert sketch(shuffled) == sketch(counted)


def test_a_sketch_changes_with_any_key_or_count():
    base = sketch([(("a", "b"), 1)])

    others = [
        sketch([]),
        sketch([(("a", "c"), 1)]),
        sketch([(("a", "b"), 2)]),
        sketch([(("ab", ""), 1)]),
        sketch([(("a", None), 1)]),
        sketch([(("b", None), 1)]),
        sketch([((None,), 1)]),
        sketch([(("a", "b"), 1), (("c", "d"), 1)]),
    ]
    assert len({base, *others}) == len(others) + 1


def test_a_sketch_is_the_same_in_every_version():
    assert sketch([(("DE",), 1), (("FR",), 2)]) == "3-d5a98dabc146e7b3"
