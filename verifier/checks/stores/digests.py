"""How each kind of database puts a key in plain text and takes its digest, as SQL.

What comes out is what ``keys.key_of`` and ``sketch.digest`` make of the same values,
to the byte. A type that is not listed, and a value for which that is not certain (a date
out of Python's range is NULL here), is compared key by key instead.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

BUCKET_DIGITS = 3
"""Of a digest; keys whose digests begin with the same ones are in one bucket."""


class Kind(StrEnum):
    """A type of column whose values any database can put in plain text."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    TRUTH = "truth"
    DATE = "date"
    INSTANT = "instant"
    UUID = "uuid"


class Digests(NamedTuple):
    """The SQL of one kind of database.

    ``plain``: the plain text of an expression, by its type. ``joined``: the text of a key
    of several values, NULL where one of them is. ``to_number``: of a digest, what a
    sketch adds up, signed or not. ``once``: what keeps a subquery from being computed anew
    for each use of its columns.
    """

    plain: Mapping[Kind, str]
    joined: Callable[[Sequence[str]], str]
    to_number: str
    once: str = ""

    def digest(self, texts: Sequence[str]) -> str:
        """The digest of a key whose values have these ``texts``; NULL where one has none."""
        return f"md5({texts[0] if len(texts) == 1 else self.joined(texts)})"

    def number(self, digest: str) -> str:
        """The number of a digest, modulo 2**64."""
        return self.to_number.format(digest)

    def bucket(self, digest: str) -> str:
        """What digests that begin alike have in common."""
        return f"substr({digest}, 1, {BUCKET_DIGITS})"


def _by_operator(texts: Sequence[str]) -> str:
    return " || ".join(f"CAST(length({each}) AS VARCHAR) || ':' || {each}" for each in texts)


def _by_function(texts: Sequence[str]) -> str:
    parts = ", ".join(f"char_length({each}), ':', {each}" for each in texts)
    return f"concat({parts})"


_TRUTH = "CASE WHEN {0} THEN '1' WHEN NOT {0} THEN '0' END"
_LONGEST_NUMBER = 500

POSTGRESQL = Digests(
    plain=MappingProxyType(
        {
            # The cast takes the blanks from the end of a char(n), as our driver's loader does.
            Kind.TEXT: "CAST({0} AS text)",
            Kind.INTEGER: "CAST({0} AS text)",
            Kind.DECIMAL: "CASE WHEN length(CAST({0} AS text)) <= "
            f"{_LONGEST_NUMBER} THEN CAST(trim_scale({{0}}) AS text) END",
            Kind.TRUTH: _TRUTH,
            Kind.DATE: "CASE WHEN {0} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' "
            "THEN to_char({0}, 'YYYY-MM-DD') END",
            Kind.INSTANT: "CASE WHEN {0} BETWEEN TIMESTAMP '0001-01-01' "
            "AND TIMESTAMP '9999-12-31 23:59:59.999999' "
            "THEN replace(to_char({0}, 'YYYY-MM-DD HH24:MI:SS.US'), '.000000', '') END",
            Kind.UUID: "CAST({0} AS text)",
        }
    ),
    joined=_by_operator,
    to_number="CAST(CAST('x' || substr({0}, 17) AS bit(64)) AS bigint)",
    once="OFFSET 0",
)

DUCKDB = Digests(
    plain=MappingProxyType(
        {
            Kind.TEXT: "{0}",
            Kind.INTEGER: "CAST({0} AS VARCHAR)",
            Kind.DECIMAL: "CASE WHEN contains(CAST({0} AS VARCHAR), '.') "
            "THEN rtrim(rtrim(CAST({0} AS VARCHAR), '0'), '.') ELSE CAST({0} AS VARCHAR) END",
            Kind.TRUTH: _TRUTH,
            Kind.DATE: "CASE WHEN {0} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' "
            "THEN strftime({0}, '%Y-%m-%d') END",
            Kind.INSTANT: "CASE WHEN {0} BETWEEN TIMESTAMP '0001-01-01' "
            "AND TIMESTAMP '9999-12-31 23:59:59.999999' "
            "THEN replace(strftime(CAST({0} AS TIMESTAMP), '%Y-%m-%d %H:%M:%S.%f'), "
            "'.000000', '') END",
            Kind.UUID: "CAST({0} AS VARCHAR)",
        }
    ),
    joined=_by_operator,
    to_number="CAST('0x' || substr({0}, 17) AS UBIGINT)",
)

MYSQL = Digests(
    plain=MappingProxyType(
        {
            Kind.TEXT: "CONVERT({0} USING utf8mb4)",
            # A sum is never padded with zeros, as a column that is ZEROFILL would be.
            Kind.INTEGER: "CAST({0} + 0 AS CHAR)",
            Kind.DECIMAL: "CASE WHEN locate('.', CAST({0} + 0 AS CHAR)) > 0 "
            "THEN trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST({0} + 0 AS CHAR))) "
            "ELSE CAST({0} + 0 AS CHAR) END",
            # Zeros for a day are no date, and the driver makes text of them.
            Kind.DATE: "CASE WHEN year({0}) > 0 AND month({0}) > 0 AND day({0}) > 0 "
            "THEN date_format({0}, '%Y-%m-%d') END",
            Kind.INSTANT: "CASE WHEN year({0}) > 0 AND month({0}) > 0 AND day({0}) > 0 "
            "THEN replace(date_format({0}, '%Y-%m-%d %H:%i:%s.%f'), '.000000', '') END",
        }
    ),
    joined=_by_function,
    to_number="CAST(conv(substr({0}, 17), 16, 10) AS UNSIGNED)",
)
