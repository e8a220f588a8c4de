"""Work on all cores: each row once, and mistakes are not lost."""

import threading
import time

import pytest

from striate.data.threads import CHUNK, cores, each


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK - 1])
def test_each_row_is_worked_on_once(count):
    seen, lock = [], threading.Lock()

    def work(row: int) -> None:
        with lock:
            seen.append(row)

    assert sum(each(range(count), work)) == count
    assert sorted(seen) == list(range(count))


def test_a_mistake_comes_out_and_ends_the_work():
    seen = []

    def work(row: int) -> None:
        seen.append(row)
        time.sleep(0.002)  # what is under way when the mistake comes out may still be finished
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(each(range(1000 * CHUNK), work))
    assert len(seen) < 900


def test_there_is_a_core():
    assert cores() >= 1
