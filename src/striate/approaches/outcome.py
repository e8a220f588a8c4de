"""What is asked of an approach, what it learned, and what that turned out to be worth."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.recognizer import Recognizer
from striate.training import Preprocessing, Recipe

SAMPLING = 0.02  # seconds between two looks at the memory


@dataclass(frozen=True)
class Ask:
    """What the person decides; where None, the approach decides from the data.

    Attributes:
        keep_leaks: score test images too that also stand in training.
    """

    seed: int = 0
    model: str | None = None
    recipe: Recipe | None = None
    epochs: int | None = None
    folder: Path | None = None
    resume: bool = False
    keep_leaks: bool = False


@dataclass(frozen=True, eq=False)
class Learned:
    """What an approach made of the training and validation images; the test is still unseen.

    Attributes:
        logits: (N, classes) of every image of the set, where the approach has them already.
        features: (n, D) of the "train" and the "validation" images, what the last full connection
            reads; where the approach has them already.
        seconds: of each stage, in order.
    """

    model: nn.Module
    architecture: dict[str, Any]
    preprocessing: Preprocessing
    recipe: dict[str, Any]
    seconds: dict[str, float]
    curve: tuple[dict[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    logits: Tensor | None = None
    features: Mapping[str, Tensor] | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """One approach with one seed, tested.

    Attributes:
        probabilities: (T, classes) of the test images, calibrated.
        targets: (T,) their classes.
        seconds: of each stage; their sum is what the approach cost.
        memory: the most that the process held while the approach ran, in bytes.
        curve: one row an epoch, for approaches that learn by epochs.
    """

    approach: str
    seed: int
    recognizer: Recognizer
    probabilities: NDArray[np.float32]
    targets: NDArray[np.int64]
    top1: float
    top5: float
    seconds: dict[str, float]
    parameters: int
    memory: int
    curve: tuple[dict[str, float], ...] = ()
    notes: tuple[str, ...] = ()


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
