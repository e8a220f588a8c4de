"""The command `striate`: each command parses, calls the library and shows; nothing is decided here.

Results go to stdout, everything else to stderr. Exit codes: 0 done; 1 it did not work; 2 a mistake
the person can mend; 130 stopped by the person.
"""

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from striate.cli.augment import augment
from striate.cli.check import check
from striate.cli.compare import compare
from striate.cli.datasets import datasets
from striate.cli.dream import dream
from striate.cli.evaluate import evaluate
from striate.cli.explain import explain
from striate.cli.export import export
from striate.cli.index import index
from striate.cli.keys import keys
from striate.cli.models import models
from striate.cli.predict import predict
from striate.cli.reporter import showing
from striate.cli.reproduce import reproduce
from striate.cli.sample import sample
from striate.cli.search import search
from striate.cli.serve import serve
from striate.cli.show import printable
from striate.cli.style import style
from striate.cli.train import train
from striate.errors import StriateError, UserError, one_line
from striate.version import __version__

STOPPED = 130
LONGEST = 2000  # characters of a reason
USAGE = typer.BadParameter.__base__  # typer's UsageError: where it is kept differs by version

ABOUT = (
    "Which way of recognizing works on your images, texts or recordings? "
    "Point `striate compare` at them."
)

app = typer.Typer(
    name="striate",
    epilog="Example:  striate compare digits --seeds 1",
    rich_markup_mode=None,  # help is plain text, as it is written
    pretty_exceptions_enable=False,
    add_completion=False,
)
COMMANDS = (
    compare, check, train, predict, evaluate, augment, models, datasets, explain, dream, style,
    sample, export, serve, reproduce, index, search,
)  # fmt: skip
for command in COMMANDS:
    app.command()(command)
app.add_typer(keys)


def _version(asked: bool) -> None:
    if asked:
        print(__version__)
        raise typer.Exit


@app.callback(help=ABOUT)
def striate(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What all commands share."""


def run(arguments: Sequence[str]) -> int:
    """One command; returns the exit code, and has said on stderr why if it is not 0."""
    try:
        with showing():
            code = app(list(arguments) or ["--help"], prog_name="striate", standalone_mode=False)
        sys.stdout.flush()
    except UserError as error:
        return complain(str(error), 2)
    except StriateError as error:
        return complain(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        return complain("stopped", STOPPED)
    except BrokenPipeError:  # whoever read the results has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        return complain("not enough memory; a smaller --batch-size or set may fit", 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return complain(f"{place}{error.strerror or error}", 1)
    except Exception as error:
        if USAGE not in type(error).__mro__:
            raise
        return complain(f"{error.format_message()} (see --help)", 2)  # type: ignore[attr-defined]
    if code == STOPPED:
        complain("stopped", STOPPED)
    return code if isinstance(code, int) else 0


def complain(reason: str, code: int) -> int:
    """Says in one line on stderr what was wrong; returns the exit code."""
    print(f"striate: {printable(one_line(reason, LONGEST))}", file=sys.stderr)
    return code


def main(*, interruptible: bool = True) -> int:
    """The command with the arguments of this process; returns the exit code.

    Args:
        interruptible: Ctrl-C stops it.
    """
    if not sys.warnoptions:  # for people who write code, not for people who run it
        warnings.simplefilter("ignore")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started this
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):  # a name that the terminal cannot show is no failure
            stream.reconfigure(errors="backslashreplace")
    try:
        if interruptible:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run(sys.argv[1:])
    except KeyboardInterrupt:  # a second one, while the first was reported
        return complain("stopped", STOPPED)
