"""``chartly``: runs the command line; every failure becomes one sentence and an exit code."""

import gc
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

from chartly.errors import REASONS, ChartlyError, Reason, SpecError
from chartly_cli.app import app
from chartly_cli.printable import one_line

_OBJECTS = 100_000
_INTERRUPTED = 130
"""What Typer returns after Ctrl-C."""


def main() -> NoReturn:
    """Runs the command line and exits with the code of the reason."""
    # Starting creates a hundred thousand objects and no garbage; collecting takes 0.1 s.
    gc.set_threshold(_OBJECTS)
    # NumPy starts threads for linear algebra, of which there is none, and they wait busily.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = _run()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    # Everything is closed. What is left is memory, which the engine takes 0.1 s to free.
    os._exit(code)


def _run() -> int:
    try:
        result = app(standalone_mode=False)
    except ChartlyError as error:
        return _print_problems(error)
    except SystemExit as ended:
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        # The reader of our output has closed it; nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: no stack trace for users
        return _unexpected(error)
    if result == _INTERRUPTED:
        return _print_error("error: Cancelled: the command was asked to stop", Reason.CANCELLED)
    return result if isinstance(result, int) else 0


def _print_problems(error: ChartlyError) -> int:
    for problem in error.problems:
        _print_error(f"error: {problem.reason}: {problem}", problem.reason)
    return error.exit_code


def _unexpected(error: Exception) -> int:
    if hasattr(error, "format_message"):
        return _print_usage(error)
    if os.environ.get("CHARTLY_DEBUG"):
        raise error
    if isinstance(error, OSError) and error.filename is not None:
        sentence = f"error: PrerequisiteMissing: {error.filename}: {error.strerror}"
        return _print_error(sentence, Reason.PREREQUISITE_MISSING)
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    return _print_error(
        f"error: InternalError: {text}; this is a bug, please report it "
        f"(CHARTLY_DEBUG=1 shows the trace)",
        Reason.INTERNAL_ERROR,
    )


def _print_usage(error: Any) -> int:  # noqa: ANN401 - Typer does not export its errors
    from chartly_cli.usage_message import help_hint, usage_problem  # noqa: PLC0415 - --help must be quick

    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return REASONS[Reason.USAGE].exit_code
    code = _print_problems(SpecError([usage_problem(error)]))
    sys.stderr.write(f"{one_line(help_hint(error))}\n")
    return code


def _print_error(text: str, reason: Reason) -> int:
    sys.stderr.write(one_line(text) + "\n")
    return REASONS[reason].exit_code


if __name__ == "__main__":
    main()
