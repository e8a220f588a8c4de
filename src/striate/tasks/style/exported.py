"""A painter as a graph in another runtime, in a file that `striate export` wrote."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.errors import WeightsError
from striate.inference.runtimes import Port, Runtime
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.style.answers import Answer, Pixels
from striate.tasks.style.painter import read

PORT = Port("uint8", (None, None, 3))


class ExportedPainter(ExportedPredictor):
    """A graph from an image (H, W, 3) uint8 to a painted one.

    Raises:
        WeightsError: if it is another graph.
    """

    largest_batch = 1

    def __init__(self, runtime: Runtime):
        runtime.require({"image": PORT}, {"painted": PORT})
        super().__init__(runtime)

    def prepare(self, item: Input) -> Pixels:
        return np.ascontiguousarray(read(item))

    def inputs(self, prepared: Pixels) -> dict[str, NDArray[Any]]:
        return {"image": prepared}

    def predict(self, batch: Sequence[Pixels]) -> list[Answer]:
        """Raises WeightsError if the graph fails, or answers with a picture of another size."""
        return [Answer(self._painted(pixels)) for pixels in batch]

    def _painted(self, pixels: Pixels) -> Pixels:
        found = self.runtime.run(self.inputs(pixels))["painted"]
        if found.shape != pixels.shape:
            raise WeightsError(f"{self.runtime.path} does not answer with a picture of that size")
        return found
