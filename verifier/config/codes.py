"""Every code that a problem in ``landed.yaml`` can have, once.

A code never changes its meaning and is never used again for another: scripts and
search engines know it. Documentation and tests are made from this table.
"""

from enum import StrEnum


class Code(StrEnum):
    """A stable code, with what it means and what mends it (``meaning``)."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> "Code":
        """The member for ``value``, carrying its ``meaning``."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    # The file and its YAML
    UNREADABLE = (
        "LND001",
        "The file cannot be read: it does not exist, is no regular file, or its permissions "
        "forbid it.",
    )
    TOO_LARGE = (
        "LND002",
        "The file is larger than 1 MiB. Split the jobs over several verifiers.",
    )
    NOT_UTF8 = (
        "LND003",
        "The file is not UTF-8 text. Save it as UTF-8 in your editor.",
    )
    BROKEN_YAML = (
        "LND004",
        "The text is no YAML 1.2. Only the first such error can be told, since what follows it "
        "has no certain meaning. Tabs cannot indent; quote a text that holds a colon followed "
        "by a space, or that starts with a sign such as `*`, `&`, `!`, `@`, `%` or `{`.",
    )
    DUPLICATE_KEY = (
        "LND005",
        "A key stands twice in one mapping. Keep one of the two: the message names both places.",
    )
    TOO_COMPLEX = (
        "LND006",
        "The document nests deeper than 32 levels or has more than 100,000 values once its "
        "aliases are written out. Nothing legitimate needs that; look for an alias that "
        "repeats an alias.",
    )
    SEVERAL_DOCUMENTS = (
        "LND007",
        "The file holds more than one YAML document. Remove what follows the second `---`, or "
        "give it a file of its own.",
    )
    EMPTY = (
        "LND008",
        "The file holds nothing but blank lines and comments. `landed init` writes one to start "
        "from.",
    )
    YAML_FEATURE = (
        "LND009",
        "Tags (`!something`), merge keys (`<<`), keys that are no plain words, and YAML versions "
        "other than 1.2 are not read. Write the value out; anchors and aliases of whole values "
        "do work.",
    )
    BAD_ALIAS = (
        "LND010",
        "An alias (`*name`) names an anchor that does not stand before it, or one that contains "
        "the alias itself.",
    )

    # References to the environment and to files
    MISSING_VARIABLE = (
        "LND020",
        "`${NAME}` names an environment variable that is not set for the process that reads the "
        "file.",
    )
    MISSING_FILE = (
        "LND021",
        "`${file:/path}` names a file that cannot be read: it does not exist, its permissions "
        "forbid it, it is larger than 64 KiB, no regular file, or no UTF-8 text.",
    )
    BAD_REFERENCE = (
        "LND022",
        "A `${` is not followed by a variable's name and `}`, or by `file:`, an absolute path "
        "and `}`. Write `$${` where the characters themselves are meant.",
    )

    # One value by itself
    UNKNOWN_KEY = ("LND101", "A key that is not known here. The hint names the nearest that is.")
    MISSING_KEY = ("LND102", "A key that is required here is not there.")
    WRONG_TYPE = (
        "LND103",
        "A value of another type than expected, such as a list where one word belongs.",
    )
    NOT_A_CHOICE = ("LND104", "A word that is none of those allowed here.")
    BAD_VALUE = (
        "LND105",
        "A value of the right type that cannot be: out of bounds, unreadable, or contradicting "
        "the values beside it.",
    )
    # LND106 was a feature that did not work yet.
    BAD_NAME = (
        "LND107",
        "A name that cannot be: 1 to 100 letters, digits, dots, underscores or hyphens, the "
        "first of them a letter or a digit. Names become labels, file names and addresses.",
    )

    # What values mean together
    UNKNOWN_STORE = ("LND201", "A check asks a store that `stores` does not declare.")
    UNKNOWN_JOB = ("LND229", "A token is for a job that `jobs` does not declare.")
    PARTITIONS_UNCLEAR = (
        "LND228",
        "A job has `partitions` and no check that tells them apart, or a check names a "
        "`partition`, binds `:partition` or writes `{partition}` in a path, and its job has none.",
    )
    UNKNOWN_CHECK = ("LND202", "A surface names a check that the job does not have.")
    SAME_NAME = ("LND203", "Two checks, or two surfaces, of one job have the same name.")
    NOT_ONE_DAY = (
        "LND204",
        "`:day`, or `{day}` in a path, is used by a job whose business interval is not always one "
        "local day. Use `:local_start` and `:local_end`, or declare `covers: previous-day`.",
    )
    UNKNOWN_PARAMETER = (
        "LND205",
        "A SQL text binds a parameter that no run has. Write `\\:` for a colon that is none.",
    )
    BAD_SCHEDULE = (
        "LND206",
        "The schedule cannot be computed: a cron expression that is none or never comes true, "
        "an unknown time zone, dialect, country or subdivision.",
    )
    NEEDS_POLICY = (
        "LND207",
        "A job that is not `class: best-effort` must say what it promises (`statement`), how "
        "attempts may meet (`class` or `overlap`) and how it takes effect (`effects` or "
        "`surfaces`).",
    )
    UNWATCHED_SURFACE = (
        "LND208",
        "A surface that takes effect has no check that looks there, so no run of the job can be "
        "verified over it.",
    )
    UNPROVABLE = (
        "LND209",
        "No required check can prove that a run of this job is complete, so its runs stay "
        "`unproven` or `ambiguous`, and no limit of staleness applies to it.",
    )
    EFFECTS_TWICE = ("LND210", "A job declares both `effects` and `surfaces`; they say the same.")
    OPEN_WITHOUT_TOKENS = (
        "LND211",
        "`listen` is beyond loopback and `tokens` has no ingest or no operate token: anyone on "
        "the network could write signals or act.",
    )
    BEAT_TOO_SHORT = (
        "LND212",
        "`heartbeat_within` or `lease` leaves no room for the heartbeats that the wrapper sends "
        "every 30 s, so that a healthy job would be called stale or lost.",
    )
    LIMITS_CONTRADICT = (
        "LND213",
        "Two limits of a job cannot both be meant, such as a start allowed after the finish is "
        "due.",
    )
    SURFACE_UNCLEAR = (
        "LND214",
        "A check whose answer speaks of the effect belongs to no surface of its job, to two, or "
        "to one that does not exist.",
    )
    RETRY_CONTRADICTS = (
        "LND215",
        "The retry policy contradicts itself, or repeats by itself what cannot be taken back.",
    )
    SAME_TOKEN = ("LND216", "The same token stands twice: who used it could not be told apart.")
    NO_JOBS = ("LND217", "The file declares no job, so there is nothing to verify.")
    UNKNOWN_SOURCE = ("LND218", "A job's scheduler names a source that `sources` does not declare.")
    BOUND_TWICE = (
        "LND219",
        "Two jobs are bound to the same thing of the same source, so that nobody could tell "
        "whose run it is that the scheduler speaks of.",
    )
    NO_SOURCE_TYPE = (
        "LND220",
        "A source has a `type` that is not installed, or that cannot be loaded. Types come with "
        "landed and with other packages that bring one.",
    )
    WRONG_STORE = (
        "LND230",
        "A check asks a store of another type than it can: SQL of a folder of files, a file of "
        "a database.",
    )
    UNUSED_SOURCE = (
        "LND221",
        "No job is bound to a source, so nothing that it says is used.",
    )
