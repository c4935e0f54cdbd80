"""What can go wrong with a ledger, in words for the person who runs it."""


class LedgerError(Exception):
    """The ledger cannot be used as asked; the text says what to do about it."""


class LedgerTooNew(LedgerError):
    """It was written by a newer version of landed, whose schema this one does not know."""


class LedgerUnavailable(LedgerError):
    """It cannot be used right now (locked, read-only, disk full); trying later may help.

    Of a write that raises this nothing was kept.
    """


class Conflict(LedgerUnavailable):
    """Somebody else was writing the same at that moment; once more may well succeed."""


class LeaseLost(LedgerUnavailable):
    """Another process does now what this write was part of; it is not to be tried again."""


class UnknownJob(LedgerError):
    """No job of that name was ever declared."""


class AttemptElsewhere(LedgerError):
    """The attempt that asked is one of another run; each attempt needs an id of its own."""
