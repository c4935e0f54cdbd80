"""Every kind of database, by the first word of its URL."""

import re
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

from pydantic_core import PydanticCustomError
from sqlalchemy import URL

from verifier.checks.stores.database import Database

EXPECTED_URL = "expected a URL such as sqlite:////srv/warehouse.db"

_SCHEME = re.compile(r"[a-z][a-z0-9+_]{0,29}")


class Kind(NamedTuple):
    """Where a kind of database is written down, and what has to be installed for it.

    ``place`` is ``module:class``: a driver is imported only where it is needed.
    """

    place: str
    driver: str | None = None
    extra: str | None = None


_MYSQL = Kind("verifier.checks.stores.mysql:MysqlDatabase", "pymysql", "mysql")

KINDS = {
    "sqlite": Kind("verifier.checks.stores.sqlite:SqliteDatabase"),
    "postgresql": Kind(
        "verifier.checks.stores.postgresql:PostgresqlDatabase", "psycopg", "postgresql"
    ),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "duckdb": Kind("verifier.checks.stores.duckdb:DuckdbDatabase", "duckdb", "duckdb"),
}
"""Each kind of database that checks can be held to reading in."""


def url_problem(url: URL) -> str | None:
    """What keeps ``url`` from naming a database that checks can read, or None.

    Raises ``PydanticCustomError`` where its driver is not installed.
    """
    if not _SCHEME.fullmatch(url.drivername):
        return EXPECTED_URL
    name = url.get_backend_name()
    kind = KINDS.get(name)
    if kind is None:
        return f"expected one of {', '.join(KINDS)} before ://, found {name}"
    if kind.driver is not None and find_spec(kind.driver) is None:
        raise PydanticCustomError(
            "missing_driver",
            "expected the driver {driver} to be installed: pip install 'landed[{extra}]'",
            {"driver": kind.driver, "extra": kind.extra},
        )
    return _class(kind).url_problem(url)


def database_of(url: URL, statement_timeout: timedelta, lock_timeout: timedelta) -> Database:
    """The database that ``url`` names; connects to nothing."""
    kind = KINDS[url.get_backend_name()]
    return _class(kind)(url, statement_timeout, lock_timeout)


def _class(kind: Kind) -> type[Database]:
    module, _, name = kind.place.partition(":")
    found: type[Database] = getattr(import_module(module), name)
    return found
