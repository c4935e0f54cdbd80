"""The reasons of checks for an unknown answer, in the few groups that a label can bear."""

from verifier.catalogue.label import UnknownGroup

_STORE = (
    "unreachable",
    "timed_out",
    "locked",
    "recovery_needed",
    "permission_denied",
    "interrupted",
)
_CHECK = (
    "no_such_table",
    "no_such_column",
    "not_read_only",
    "bad_query",
    "wrong_shape",
    "not_text",
    "null_result",
    "null_key",
    "not_a_number",
    "not_an_instant",
    "in_the_future",
    "too_many_keys",
    "out_of_reach",
    "zero_on_both_sides",
    "out_of_root",
    "no_such_file",
    "too_large",
    "refused",
    "redirected",
    "no_such_value",
    "in_doubt",
    "raised",
    "said_so",
    "no_start",
    "no_interval",
    "not_one_day",
    "no_partition",
)
_EXPECTED = (
    "expected_empty",
    "expected_not_ready",
    "expected_below_min",
    "expected_drifted",
    "not_enough_history",
)

_GROUPS = {
    **dict.fromkeys(_STORE, UnknownGroup.STORE),
    **dict.fromkeys(_CHECK, UnknownGroup.CHECK),
    **dict.fromkeys(_EXPECTED, UnknownGroup.EXPECTED),
}


def unknown_group(reason: str | None) -> UnknownGroup:
    """What a reason is about: the store, the check's own statement, or what it expects."""
    return _GROUPS.get(reason or "", UnknownGroup.OTHER)
