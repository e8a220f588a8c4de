"""The command as a whole: help, exit codes, and one line instead of a traceback."""

import os
import subprocess
import sys

import pytest

from striate import __version__, cli
from striate.errors import DataError, Diverged, StorageError

COMMANDS = (
    "compare", "train", "check", "predict", "evaluate", "augment", "models", "datasets", "explain",
    "dream", "export",
)  # fmt: skip


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
        (("compare", "digits", "--metods", "transfer"), "--methods"),
        (("predict",), "MODEL"),
        (("train", "digits", "--method", "magic"), "magic"),
        (("check", "digits", "--seed", "1" * 20), "--seed"),
        (("compare", "digits", "--seed", "1" * 20), "--seed"),
        (("serve", "a.safetensors", "--deadline", "inf"), "--deadline"),
        (("serve", "a.safetensors", "--deadline", "nan"), "--deadline"),
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


def test_closed_streams_are_no_error(tmp_path):
    python = f"{sys.executable} -m striate datasets"
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["bash", "-c", f"{python} {closed}"], capture_output=True, text=True, cwd=tmp_path
        )
        assert (done.returncode, done.stderr) == (0, ""), closed
    assert not list(tmp_path.iterdir())


def test_ctrl_c_at_any_moment_is_one_line():
    """While Python itself starts, nothing of ours runs; from then on there is no traceback."""
    code = (
        "import os, signal, sys, threading, time\n"
        "def stop():\n"
        "    time.sleep(float(sys.argv.pop()))\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "from striate.__main__ import main\n"
        "threading.Thread(target=stop, daemon=True).start()\n"
        "main()\n"
    )
    stopped = 0
    for delay in (0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.4):
        done = subprocess.run(
            [sys.executable, "-c", code, "datasets", str(delay)], capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) in ((0, ""), (130, "striate: stopped\n")), delay
        stopped += done.returncode == 130
    assert stopped


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
