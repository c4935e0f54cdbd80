"""The command ``landed``.

The wrapper's commands are dispatched before anything else is loaded: they run around
every job, so what they import delays the job.
"""

import sys

INTERRUPTED = 130
"""Exit code after Ctrl-C, as a shell gives it."""


def main(argv: list[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own); its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["exec"]:
        from verifier.exec.landed_exec import main as exec_main

        return exec_main(words[1:])
    if words[:1] == ["signal"]:
        from verifier.exec.signal_command import main as signal_main

        return signal_main(words[1:])
    try:
        from verifier.cli.app import run

        return run(words)
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
