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


def test_a_log_gets_a_line_for_what_took_long(capsys, monkeypatch):
    monkeypatch.setattr(reporter, "WORTH_A_LINE", 0.0)
    with reporter.showing(), progress.stage("decode", 3) as bar:
        bar.advance(2)
        bar.advance(note="1 broken")
    printed = capsys.readouterr()
    assert printed.err.startswith("decode: 3 in 0.0 s, 1 broken")
    assert printed.out == ""


def test_a_log_hears_nothing_of_what_was_quick(capsys):
    with reporter.showing(), progress.stage("decode", 3):
        pass
    assert capsys.readouterr().err == ""
