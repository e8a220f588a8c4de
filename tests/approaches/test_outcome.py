"""Bytes are measured while they are held."""

import mmap
import time

from striate.approaches.outcome import SAMPLING, PeakMemory


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
