"""Work says how far it is to whoever listens, and to nobody by default."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from striate import progress
from striate.progress import Clock


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator["Listener"]:
        self.heard.append((name, total))
        try:
            yield self
        finally:
            self.heard.append("end")

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.heard.append(steps)


def test_by_default_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track([1, 2], "numbers")) == [1, 2]
    with progress.stage("work", 3) as bar:
        bar.advance(2, note="half")
    assert capsys.readouterr() == ("", "")


def test_each_item_is_counted_when_it_is_done() -> None:
    listener = Listener()
    with progress.reporting(listener):
        for item in progress.track("ab", "letters"):
            listener.heard.append(item)
        list(progress.track(iter("c"), "more"))
        list(progress.track(iter("c"), "told", total=1))
    assert listener.heard == [
        ("letters", 2), "a", 1, "b", 1, "end", ("more", None), 1, "end", ("told", 1), 1, "end",
    ]  # fmt: skip


def test_a_stage_ends_when_its_work_fails_or_is_left() -> None:
    listener = Listener()
    with progress.reporting(listener):
        items = progress.track("abc", "letters")
        next(items)
        items.close()  # type: ignore[attr-defined]
        with pytest.raises(KeyError), progress.stage("work"):
            raise KeyError
    assert listener.heard == [("letters", 3), "end", ("work", None), "end"]


def test_the_listener_before_comes_back() -> None:
    outer, inner = Listener(), Listener()
    with progress.reporting(outer):
        with pytest.raises(KeyError), progress.reporting(inner):
            raise KeyError
        list(progress.track("a", "one"))
    list(progress.track("a", "two"))
    assert (outer.heard, inner.heard) == ([("one", 1), 1, "end"], [])


def test_clock_adds_up_by_name() -> None:
    clock = Clock({"before": 2.0})
    for _ in range(2):
        with clock.stage("learn"):
            time.sleep(0.03)
    with clock.stage("before"):
        pass
    assert 0.06 <= clock.seconds["learn"] < 1
    assert clock.seconds["before"] == pytest.approx(2, abs=0.1)
    assert list(clock.seconds) == ["before", "learn"]


def test_clock_counts_what_fails() -> None:
    clock = Clock()
    with pytest.raises(KeyError):
        with clock.stage("learn"):
            raise KeyError
    assert "learn" in clock.seconds
