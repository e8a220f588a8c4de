"""The command as a whole: help, exit codes, and one line instead of a traceback."""

import os
import subprocess
import sys

import pytest

from striate import __version__, cli
from striate.errors import DataError, Diverged, StorageError

COMMANDS = ("compare", "train", "predict", "evaluate", "models", "datasets")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_ends_with_an_example(striate, command):
    done = striate(command, "--help")
    assert done.code == 0
    assert f"  striate {command}" in done.out[done.out.index("Example") :]
    assert "--json" in done.out


@pytest.mark.parametrize("command", ["compare", "train", "evaluate"])
def test_what_is_random_takes_a_seed(striate, command):
    assert "--seed " in striate(command, "--help").out


def test_alone_it_says_what_it_can_do(striate):
    done = striate()
    assert done.code == 0
    assert all(command in done.out for command in COMMANDS)


def test_version(striate):
    assert striate("--version").out == f"{__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("compair",), "compair"),
        (("compare", "digits", "--seeds", "0"), "--seeds"),
        (("compare", "digits", "--aproaches", "transfer"), "--approaches"),
        (("predict",), "MODEL"),
        (("train", "digits", "--approach", "magic"), "magic"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(striate, arguments, words):
    done = striate(*arguments)
    assert done.code == 2
    assert done.one_line
    assert words in done.err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (DataError("photos: empty"), 2, "striate: photos: empty\n"),
        (Diverged("step 3: loss nan"), 1, "striate: step 3: loss nan\n"),
        (StorageError("disk full"), 1, "striate: disk full\n"),
        (DataError("two\nlines and \x1b[31mred"), 2, "striate: two lines and \\x1b[31mred\n"),
        (KeyboardInterrupt(), 130, "striate: stopped\n"),
        (MemoryError(), 1, "striate: not enough memory; a smaller --batch-size or set may fit\n"),
        (OSError(28, "No space left", "x.html"), 1, "striate: x.html: No space left\n"),
    ],
)
def test_each_kind_of_error_has_its_exit_code(striate, monkeypatch, error, code, line):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("striate.data.open", fail)
    done = striate("compare", "digits")
    assert (done.code, done.err, done.out) == (code, line, "")


def test_an_error_of_ours_keeps_its_traceback(monkeypatch):
    def fail(*arguments, **options):
        raise ZeroDivisionError

    monkeypatch.setattr("striate.data.open", fail)
    with pytest.raises(ZeroDivisionError):
        cli.run(["compare", "digits"])


def test_a_reader_that_has_seen_enough_is_no_error():
    python = f"{sys.executable} -m striate datasets --json"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {python} | true"], capture_output=True, text=True
    )
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")  # noqa: PTH110
def test_a_full_disk_under_stdout_is_one_line():
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "striate", "datasets"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "striate: No space left on device\n"
