"""Asks Soda Core for the checks on stdin; prints how it went. For benchmarks/checks.py."""

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

os.environ["SODA_CORE_TELEMETRY_ENABLED"] = "false"

import psycopg
from soda_core.contracts.api.verify_api import verify_contract_locally
from soda_core.contracts.contract_verification import CheckOutcome


def contract(asked: dict, table: str) -> dict:
    """What is asked of one table, as Soda's contract; each check keeps its name."""
    columns = sorted({key for each in asked["checks"] for key in each.get("key", ())})
    checks = []
    for each in asked["checks"]:
        if each["table"] != table:
            continue
        said = {
            "name": each["name"],
            "qualifier": each["name"],
            "filter": each["where"].replace(":day", f"DATE '{asked['day']}'"),
        }
        if each["type"] == "row_count":
            bound = (
                "must_be_greater_than_or_equal" if "ge" in each else "must_be_less_than_or_equal"
            )
            said["threshold"] = {bound: each.get("ge", each.get("le"))}
            checks.append({"row_count": said})
        elif each["type"] == "freshness":
            said |= {
                "column": each["column"],
                "threshold": {"unit": "hour", "must_be_less_than": 4},
            }
            checks.append({"freshness": said})
        else:
            checks.append({"duplicate": {"columns": each["key"], **said}})
    dataset = f"shop/{asked['database']}/{asked['schema']}/{table}"
    return {"dataset": dataset, "columns": [{"name": name} for name in columns], "checks": checks}


def main() -> None:
    asked = json.load(sys.stdin)
    statements = 0
    execute = psycopg.Cursor.execute

    def counting(*given, **named):
        nonlocal statements
        statements += 1
        return execute(*given, **named)

    psycopg.Cursor.execute = counting
    failed, unanswered = [], []
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "shop.yml")
        source.write_text(
            json.dumps({"type": "postgres", "name": "shop", "connection": asked["connection"]})
        )
        for table in sorted({each["table"] for each in asked["checks"]}):
            written = Path(folder, f"{table}.yml")
            written.write_text(json.dumps(contract(asked, table)))
            result = verify_contract_locally(
                data_source_file_path=str(source),
                contract_file_path=str(written),
                data_timestamp=asked["now"],
            )
            for verified in result.contract_verification_results:
                for each in verified.check_results:
                    if each.outcome is CheckOutcome.FAILED:
                        failed.append(each.check.name)
                    elif each.outcome is not CheckOutcome.PASSED:
                        unanswered.append(each.check.name)
    figures = {
        "seconds": time.perf_counter() - begin,
        "statements": statements,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "failed": failed,
        "unanswered": unanswered,
    }
    print(f"figures: {json.dumps(figures)}")


main()
