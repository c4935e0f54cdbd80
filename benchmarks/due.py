"""What the due sweep costs for 32,000 jobs, beside one cronsim call for each of them.

    python benchmarks/due.py

8,000 tenants of 4 jobs each in 8 zones, 32 distinct schedules in all; every second of
one hour is swept. Prints the worst tick and the CPU of the hour, without what the
ledger does with what fell due; exits with 1 where the worst tick is over 10 ms.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from verifier.engine.due import DueTimes
from verifier.runs.declaration import Cron

START = datetime(2026, 4, 3, 1, 59, 30, tzinfo=UTC)
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
)
EXPRESSIONS = ("*/15 * * * *", "0 * * * *", "30 2 * * 1-5", "5 4 1 * *")
GATE_MS = 10


def main() -> int:
    schedules = {
        f"tenant-{tenant}.job-{index}": Cron(
            expression=expression, timezone=ZONES[tenant % len(ZONES)]
        )
        for tenant in range(8_000)
        for index, expression in enumerate(EXPRESSIONS)
    }
    begin = time.process_time()
    times = DueTimes(schedules, START)
    built = time.process_time() - begin
    worst, fallen, begin = 0.0, 0, time.process_time()
    for second in range(3_600):
        tick = time.process_time()
        for jobs, dues in times.pop(START + timedelta(seconds=second)):
            fallen += len(jobs) * len(dues)
        worst = max(worst, time.process_time() - tick)
    hour = time.process_time() - begin
    begin = time.process_time()
    for schedule in schedules.values():
        next(CronSim(schedule.expression, START.astimezone(ZoneInfo(schedule.timezone))))
    each = time.process_time() - begin
    distinct = len(set(schedules.values()))
    print(f"{len(schedules):,} jobs, {distinct} distinct schedules, {fallen:,} runs fell due")
    print(f"built in {built * 1e3:.0f} ms; worst tick {worst * 1e3:.2f} ms (gate {GATE_MS} ms)")
    print(f"CPU of the hour {hour:.3f} s; one cronsim call a job, once: {each * 1e3:.0f} ms")
    return 1 if worst * 1e3 > GATE_MS else 0


if __name__ == "__main__":
    sys.exit(main())
