"""A segmenter as a graph in another runtime, in a file that `striate export` wrote."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import WeightsError
from striate.inference.reading import pixels_of
from striate.inference.runtimes import Port, Runtime
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.segmentation.prediction import Answer

INPUTS = {"image": Port("uint8", (None, None, 3))}
OUTPUTS = {"labels": Port("uint8", (None, None))}


class ExportedSegmenter(ExportedPredictor):
    """A graph from an image (H, W, 3) uint8 to its class numbers (H, W) uint8.

    Args:
        classes: how many there are.

    Raises:
        WeightsError: if it is another graph.
    """

    largest_batch = 1

    def __init__(self, runtime: Runtime, classes: int):
        runtime.require(INPUTS, OUTPUTS)
        super().__init__(runtime)
        self.classes = classes

    def prepare(self, item: Input) -> NDArray[np.uint8]:
        return np.ascontiguousarray(pixels_of(item))

    def inputs(self, prepared: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        return {"image": prepared}

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Answer]:
        """Raises WeightsError if the graph fails, or answers with something else than classes."""
        return [self._answer(pixels) for pixels in batch]

    def _answer(self, pixels: NDArray[np.uint8]) -> Answer:
        labels = self.runtime.run(self.inputs(pixels))["labels"]
        if labels.shape != pixels.shape[:2] or (labels.size and labels.max() >= self.classes):
            raise WeightsError(f"{self.runtime.path} does not answer with its classes")
        return Answer(labels)
