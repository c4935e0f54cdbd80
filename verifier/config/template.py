"""What ``landed init`` writes: a small configuration that holds as it is, and teaches."""

TEMPLATE = """\
# What landed verifies on this machine. `landed validate` checks it, tells every
# error at once, and shows what will be said of each job when it dies at 03:00.
#
# Texts may hold ${NAME}, a variable of the environment, and ${file:/run/secrets/x},
# the text of a file. Passwords belong there and not here.

version: 1

# Where landed keeps what it knows. One file; back it up like any database.
ledger: sqlite:///landed.db

# Loopback needs no tokens. Any other address does:
#   tokens: {ingest: ["${INGEST_TOKEN}"], operate: {oncall: "${OPERATE_TOKEN}"}}
listen: 127.0.0.1:9877

defaults:
  timezone: UTC # an IANA name, such as Europe/Berlin
  severity: ticket # page | ticket | none: how loudly a stale job asks for a person

# The places where jobs leave their results. landed only ever reads from them; give it
# an account that can do nothing else.
stores:
  warehouse: { type: sql, url: "sqlite:///warehouse.db" }

jobs:
  daily-revenue:
    # The promise, in one sentence. A run is verified when this is true.
    statement: Every active region has yesterday's revenue exactly once.

    # When it is due, and which stretch of time the run of that instant is about.
    schedule: { cron: "0 2 * * *" } # or { every: 15m }
    covers: previous-day

    # one-result: each run makes one result, and two must not run at once. Others are
    # best-effort, coalescing, serialized and no-auto-retry.
    class: one-result

    # How it takes effect, which decides what is safe after a crash:
    #   replace   deletes its interval, then writes it: a rerun repairs
    #   upsert    writes by key: a rerun changes nothing
    #   append    adds rows: a rerun doubles them
    #   external  mail, money, events: cannot be taken back
    effects: replace

    # All from due. Later is overdue, and stale.
    finish_within: 45m
    verified_within: 2h

    # Before an attempt starts, `landed exec --guard` asks whether it may.
    guard: { enabled: true }

    # What is asked of the destination after each run. :day is the day that the run is
    # about; it is bound, never pasted into the text.
    checks:
      - type: scope # every expected key once, none missing, none that nobody expected
        name: regions
        store: warehouse
        table: daily_revenue
        key: [region]
        where: "day = :day"
        expected:
          store: warehouse
          sql: "select code from regions where active"
          min: 1 # fewer are not believed; an empty list proves nothing

# Then run the job under the wrapper, in the crontab for one:
#
#   0 2 * * *  landed exec --job daily-revenue --guard -- /opt/jobs/revenue.sh
#
# and start the verifier with `landed serve`.
"""
