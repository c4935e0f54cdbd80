"""Asks Great Expectations for the checks on stdin; prints how it went.

For benchmarks/checks.py.
"""

import json
import os
import re
import resource
import sys
import time
from datetime import date, datetime, timedelta

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations import expectations as gxe
from great_expectations.expectations.row_conditions import Column
from sqlalchemy import URL, Engine, event

COMPARED = {
    "=": lambda column, value: column == value,
    "<": lambda column, value: column < value,
    ">": lambda column, value: column > value,
}
PART = re.compile(r"(\w+) (?:([=<>]) (:day|\d+)|BETWEEN (\d+) AND (\d+))(?: AND |$)")


def condition(where: str, day: date):
    """``where`` as Great Expectations writes it."""
    found, end = None, 0
    for part in PART.finditer(where):
        name, sign, value, low, high = part.groups()
        column = Column(name)
        if sign:
            said = COMPARED[sign](column, day if value == ":day" else int(value))
        else:
            said = (column >= int(low)) & (column <= int(high))
        found, end = said if found is None else found & said, part.end()
    if end != len(where):
        raise SystemExit(f"not understood: {where}")
    return found


def expectation(asked: dict, check: dict):
    """A check as an expectation; its name is kept beside it."""
    rows = {"row_condition": condition(check["where"], date.fromisoformat(asked["day"]))}
    rows["meta"] = {"name": check["name"]}
    if check["type"] == "row_count":
        bounds = {"min_value": check.get("ge"), "max_value": check.get("le")}
        return gxe.ExpectTableRowCountToBeBetween(**bounds, **rows)
    if check["type"] == "freshness":
        oldest = datetime.fromisoformat(asked["now"]) - timedelta(hours=4)
        return gxe.ExpectColumnMaxToBeBetween(
            column=check["column"], min_value=oldest.isoformat(), **rows
        )
    if len(check["key"]) == 1:
        return gxe.ExpectColumnValuesToBeUnique(column=check["key"][0], **rows)
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=check["key"], **rows)


def main() -> None:
    asked = json.load(sys.stdin)
    statements = 0

    @event.listens_for(Engine, "before_cursor_execute")
    def counting(*_given):
        nonlocal statements
        statements += 1

    place = asked["connection"]
    url = URL.create(
        "postgresql+psycopg2",
        username=place["user"],
        password=place["password"] or None,
        host="localhost",  # what it asks for; the one below is connected to
        database=place["database"],
        query={"host": place["host"], "port": str(place["port"])},
    )
    failed, unanswered = [], []
    begin = time.perf_counter()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_postgres(
        "shop", connection_string=url.render_as_string(hide_password=False)
    )
    for table in sorted({each["table"] for each in asked["checks"]}):
        asset = source.add_table_asset(table, table_name=table, schema_name=asked["schema"])
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        expected = [expectation(asked, each) for each in asked["checks"] if each["table"] == table]
        suite = gx.ExpectationSuite(name=table, expectations=expected)
        for each in batch.validate(suite, result_format="BOOLEAN_ONLY").results:
            name = each.expectation_config.meta["name"]
            if each.exception_info.get("raised_exception", True) is not False:
                unanswered.append(name)
            elif not each.success:
                failed.append(name)
    figures = {
        "seconds": time.perf_counter() - begin,
        "statements": statements,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "failed": failed,
        "unanswered": unanswered,
    }
    print(f"figures: {json.dumps(figures)}")


main()
