"""Whether what is kept for some time rests on what is kept as long."""

from verifier.config.codes import Code
from verifier.config.file import Retention
from verifier.config.reporter import Reporter
from verifier.runs.duration import format_duration


def check_retention(retention: Retention, reporter: Reporter) -> None:
    """Report runs that would be forgotten before their signals, and made again by them."""
    if retention.runs < retention.signals:
        reporter.error(
            Code.BAD_VALUE,
            ("retention", "runs"),
            f"expected at least retention.signals ({format_duration(retention.signals)}), "
            f"found {format_duration(retention.runs)}",
            "a signal that came late would begin a forgotten run anew",
        )
