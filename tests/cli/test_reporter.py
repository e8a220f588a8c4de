"""Progress: bars on a terminal, lines in a log, nothing on stdout."""

import io
from contextlib import redirect_stderr

import pytest

from striate import progress
from striate.cli import reporter
from striate.cli.show import table


class Terminal(io.StringIO):
    """A screen, as far as rich can tell."""

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_terminal_sees_bars_one_in_another_and_gets_its_cursor_back(screen, capsys):
    with redirect_stderr(screen), reporter.showing():
        with progress.stage("outer [red]", 3) as outer:
            for _ in progress.track("ab", "inner"):
                outer.advance(note="loss 0.5")
    shown = screen.getvalue()
    assert "outer [red]" in shown  # as it is, never as markup
    assert "inner" in shown
    assert "loss 0.5" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # cursor hidden, shown
    assert capsys.readouterr().out == ""


def test_the_terminal_is_given_back_after_an_error(screen):
    with pytest.raises(ZeroDivisionError), redirect_stderr(screen), reporter.showing():
        with progress.stage("work", None):
            raise ZeroDivisionError
    assert screen.getvalue().count("\x1b[?25h") == 1
    assert progress.stage("nobody listens").__class__.__name__ == "nullcontext"


def test_a_table_stands_above_the_bars_and_is_filled_in(screen):
    first = table(["name"], [["waiting"]])
    with redirect_stderr(screen), reporter.showing(), reporter.live_table(first) as put:
        put(table(["name"], [["finished"]]))
        with progress.stage("work", 2) as bar:
            bar.advance()
    shown = screen.getvalue()
    assert shown.index("finished") < shown.index("work")


@pytest.fixture
def clock(monkeypatch):
    """What the reporter takes for the time, in seconds; the test turns it on."""
    now = {"seconds": 0.0}
    monkeypatch.setattr(reporter.time, "monotonic", lambda: now["seconds"])
    return now


def test_a_log_hears_how_far_what_takes_long_is_and_of_what_it_is_a_part(capsys, clock):
    with reporter.showing(), progress.stage("compare approaches", 4) as outer:
        outer.advance(note="approach 2 of 4, Transfer")
        with progress.stage("read pictures", 300) as bar:
            for seconds in (30, 65, 100, 130):
                clock["seconds"] = seconds
                bar.advance(50, note="1 broken")
            clock["seconds"] = 160
    lines = capsys.readouterr().err.splitlines()
    where = "approach 2 of 4, Transfer: read pictures"
    assert lines == [
        f"{where}: 100 of 300, about 2 min 10 s left (1 broken)",  # not before a minute
        f"{where}: 200 of 300, about 1 min 05 s left (1 broken)",
        f"{where}: 200 in 2 min 40 s (1 broken)",
        "compare approaches: 1 in 2 min 40 s (approach 2 of 4, Transfer)",
    ]


def test_a_log_hears_of_what_nobody_can_count(capsys, clock):
    with reporter.showing(), progress.stage("look for copies") as bar:
        clock["seconds"] = 90
        bar.advance(7)
    assert capsys.readouterr().err == "look for copies: 7\nlook for copies: 7 in 1 min 30 s\n"


def test_a_log_hears_nothing_of_what_was_quick(capsys, clock):
    with reporter.showing(), progress.stage("decode", 3) as bar:
        clock["seconds"] = 59
        bar.advance(3)
    assert capsys.readouterr().err == ""
