"""Numbers as stores give them, made exact."""

import re
from decimal import Context, Decimal

from verifier.checks.reason import CannotTell, UnknownReason

EXACT = Context(prec=1000)
"""Decimal arithmetic that rounds nothing a store can hold in practice."""

_DECIMAL_TEXT = re.compile(r"[+-]?[0-9]{1,500}(\.[0-9]{1,500})?")


def to_number(value: object) -> Decimal:
    """``value`` as an exact number.

    A float is taken as the shortest decimal that names it. Text counts where it is a
    plain decimal, since stores without a decimal type keep amounts as text. Raises
    ``CannotTell`` for NULL, NaN, infinity and everything else.
    """
    if value is None:
        raise CannotTell(UnknownReason.NULL_RESULT, "expected a number, found NULL")
    number: Decimal | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = Decimal(value)
    elif isinstance(value, float):
        number = Decimal(repr(value))
    elif isinstance(value, Decimal):
        number = value
    elif isinstance(value, str) and _DECIMAL_TEXT.fullmatch(value):
        number = Decimal(value)
    if number is None or not number.is_finite():
        raise CannotTell(
            UnknownReason.NOT_A_NUMBER, f"expected a number, found {type(value).__name__}"
        )
    return number


def to_count(number: Decimal) -> int:
    """``number`` as a count; raises ``CannotTell`` where it is negative or not whole."""
    if number < 0 or number != number.to_integral_value(context=EXACT):
        raise CannotTell(UnknownReason.NOT_A_NUMBER, "expected a whole number of 0 or more")
    return int(number)


def count_of(value: object) -> int:
    """``value`` as a count; raises ``CannotTell`` as ``to_number`` and ``to_count`` do."""
    # Nearly all counts are integers already, and there may be as many as partitions.
    return value if type(value) is int and value >= 0 else to_count(to_number(value))


def plain(number: Decimal) -> str:
    """``number`` as text without an exponent, for people and for JSON."""
    return f"{number:f}"
