"""Seconds and bytes are measured where they are spent."""

import mmap
import time

import pytest

from striate.approaches.outcome import SAMPLING, Clock, PeakMemory


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


def test_peak_memory_sees_what_is_gone_again() -> None:
    with PeakMemory() as memory:
        time.sleep(3 * SAMPLING)
        before = memory.bytes
        # from the system itself: what learning freed before, in this process, is kept for reuse
        with mmap.mmap(-1, 2**26) as block:  # 64 MiB
            block.write(bytes(2**26))
            time.sleep(5 * SAMPLING)
    assert before > 2**20
    assert memory.bytes - before > 40 * 2**20
