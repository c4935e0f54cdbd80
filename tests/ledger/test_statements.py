"""Asking for many keys at once, on either kind of ledger."""

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql

from verifier.ledger.schema import cursors
from verifier.ledger.statements import Among

_OF_NAMES = (
    select(cursors.c.position).where(Among(cursors.c.name, "names")).order_by(cursors.c.name)
)
_OTHERS = select(cursors.c.position).where(Among(cursors.c.position, "names"))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["first"], ["1"]),
        (["third", "nobody's", "first"], ["1", "3"]),
        (["Second"], []),
        (["second", 'a "quoted", one\'s', "{}", "ü"], ["2"]),
        ([], []),
    ],
)
def test_rows_are_found_by_any_number_of_keys(ledger, names, found):
    for name, position in (("first", "1"), ("second", "2"), ("third", "3")):
        ledger.keep_cursor(name, position)
    with ledger._database.read() as connection:
        assert list(connection.scalars(_OF_NAMES, {"names": names})) == found
        assert list(connection.scalars(_OTHERS, {"names": found})) == found


def test_what_a_server_is_asked_reads_the_same_for_any_number_of_keys():
    text = str(_OF_NAMES.compile(dialect=postgresql.dialect()))
    assert "cursors.name = ANY (%(names)s::TEXT[])" in text
