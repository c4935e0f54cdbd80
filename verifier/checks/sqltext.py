"""SQL as people write it: which parameters it binds, and whether it looks as if it reads.

The lint is early advice, given before anything is asked. What really keeps a check
from writing is the session that its statement runs in.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<quoted>   '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<comment>  --[^\n]* | /\*.*?\*/ )
    | (?P<colon>    \\: )
    | (?P<cast>     :: )
    | (?P<bound>    (?<![:\w]):(?P<name>[^\W\d]\w*) )
    | (?P<mark>     [();] )
    | (?P<word>     \w+ )
    """,
    re.VERBOSE | re.DOTALL,
)

_READING = frozenset({"SELECT", "WITH", "VALUES"})
_WRITES = re.compile(
    r"\b(INSERT INTO|REPLACE INTO|DELETE FROM|MERGE INTO|UPDATE \w+ SET|TRUNCATE TABLE|INTO"
    r"|FOR UPDATE|FOR NO KEY UPDATE|FOR SHARE|FOR KEY SHARE|LOCK IN SHARE MODE)\b"
)


def parameters_in(sql: str) -> set[str]:
    r"""The names that ``sql`` binds as ``:name``.

    Colons in quoted text, comments and casts (``::date``) bind nothing, nor does
    ``\:``.
    """
    return {match["name"] for match in _TOKEN.finditer(sql) if match["bound"]}


def for_sqlalchemy(sql: str) -> str:
    """``sql`` for ``sqlalchemy.text``, which looks for names in quoted text as well.

    Every colon that binds nothing is escaped with a backslash, as it wants them.
    """
    parts: list[str] = []
    end = 0
    for match in _TOKEN.finditer(sql):
        parts.append(sql[end : match.start()].replace(":", r"\:"))
        parts.append(match[0] if match["bound"] or match["colon"] else match[0].replace(":", r"\:"))
        end = match.end()
    parts.append(sql[end:].replace(":", r"\:"))
    return "".join(parts)


def statement_problem(sql: str) -> str | None:
    """What keeps ``sql`` from being one statement that reads, or None."""
    bare = list(_bare(sql))
    if not bare:
        return "expected a statement that reads, found none"
    if not reads(sql):
        first = _first_word(sql)[:40]
        return f"expected a statement that reads (SELECT, WITH, VALUES), found {first!r}"
    if ";" in bare and set(bare[bare.index(";") :]) != {";"}:
        return "expected one statement, found another after ';'"
    written = _WRITES.search(" ".join(bare).upper())
    if written:
        return f"expected a statement that reads, found {written[1]!r}"
    return None


def condition_problem(sql: str) -> str | None:
    """What keeps ``sql`` from standing in the place of a ``WHERE`` condition, or None."""
    bare = list(_bare(sql))
    if not bare:
        return "expected a condition, found none"
    if ";" in bare:
        return "expected a condition, found ';'"
    depth = 0
    for each in bare:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if depth < 0:
            return "expected a condition, found a ')' that closes nothing"
    return "expected a condition, found a '(' that nothing closes" if depth else None


def within(sql: str) -> str:
    """``sql`` without the ``;`` at its end, so that it may stand in another statement."""
    end = next((match.start() for match in _TOKEN.finditer(sql) if match[0] == ";"), len(sql))
    return sql[:end]


def reads(sql: str) -> bool:
    """Whether the first word of ``sql`` is one that a reading statement starts with."""
    return _first_word(sql).upper() in _READING


def _first_word(sql: str) -> str:
    return next((each for each in _bare(sql) if each != "("), "")


def _bare(sql: str) -> Iterator[str]:
    """The words and marks outside comments; quoted text counts as one word."""
    for match in _TOKEN.finditer(sql):
        if match["quoted"]:
            yield "''"
        elif match["word"] or match["mark"] or match["bound"]:
            yield match[0]
