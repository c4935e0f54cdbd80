"""The demo's nightly job: it adds one night's revenue of every region to the warehouse.

A plain script that knows nothing of landed but the ``landed signal`` it may call. It
appends: run twice, it leaves every row twice. What goes wrong in a night is told on
the command line.
"""

import argparse
import shlex
import sqlite3
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

BATCH = 39


def main() -> int:
    """Write the night; the exit status is what cron would see."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--night", required=True, help="start of the night, YYYY-MM-DD HH:MM:SS")
    parser.add_argument("--hang-after", type=int, help="regions written before it waits for ever")
    parser.add_argument("--wrong-day-after", type=int, help="regions that get the right night")
    parser.add_argument("--tell", default="", help="the command that tells progress")
    options = parser.parse_args()
    orders = sqlite3.connect(options.home / "orders.db")
    revenue = orders.execute(
        "select region, sum(amount) from orders where night = ? group by region order by region",
        (options.night,),
    ).fetchall()
    orders.close()
    warehouse = sqlite3.connect(options.home / "warehouse.db")
    written = 0
    for start in range(0, len(revenue), BATCH):
        if options.hang_after is not None and written >= options.hang_after:
            break
        batch = revenue[start : start + BATCH]
        with warehouse:
            for region, amount in batch:
                night = options.night
                if options.wrong_day_after is not None and written >= options.wrong_day_after:
                    night = _day_before(night)
                warehouse.execute(
                    "insert into daily_revenue (night, region, amount) values (?, ?, ?)",
                    (night, region, amount),
                )
                written += 1
        if options.tell:
            done = ["progress", "--done", str(written), "--total", str(len(revenue))]
            subprocess.run([*shlex.split(options.tell), *done], check=False)
    if options.hang_after is not None:
        (options.home / "hanging").touch()
        time.sleep(120)
    return 0


def _day_before(night: str) -> str:
    return str(datetime.fromisoformat(night) - timedelta(days=1))


if __name__ == "__main__":
    sys.exit(main())
