"""Tables that are wider than there is room for lose measures, never names."""

import sys

from striate.cli.show import fitting, print_table, table

HEADS = ("method", *(f"measure {number:02}" for number in range(30)))


def build(measures: int):
    heads = HEADS[: 1 + measures]
    return table(heads, [("hypercolumns", *["12.3 %"] * measures)], right=heads[1:])


def test_a_pipe_has_room_for_all(capsys):
    print_table(build(30))
    out = capsys.readouterr().out
    assert "hypercolumns" in out
    assert all(head in out for head in HEADS)


def test_a_terminal_shows_the_measures_that_fit(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    shown = [column.header.plain for column in fitting(build, 30).columns]
    assert shown == list(HEADS[:6])  # 12 characters and 5 times 3 + 10 fit into 80
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert len(fitting(build, 30).columns) == 31
