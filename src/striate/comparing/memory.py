"""The most memory that this process held while something was computed."""

import threading

import psutil

SAMPLING = 0.02  # seconds between two measurements


class PeakMemory:
    """Inside the block, watches the memory of this process; `bytes` is the most it held."""

    def __init__(self) -> None:
        self.bytes = 0

    def __enter__(self) -> "PeakMemory":
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.bytes = max(self.bytes, process.memory_info().rss)
            if self._done.wait(SAMPLING):
                return
