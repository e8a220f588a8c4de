"""A detector as a graph in another runtime: in a file that `striate export` wrote, or in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.errors import WeightsError
from striate.inference.runtimes import Port, Runtime
from striate.models.matching import Detections
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.reading import Read, read

INPUTS = {"image": Port("uint8", (None, None, 3))}
OUTPUTS = {
    "boxes": Port("float32", (None, 4)),
    "labels": Port("int64", (None,)),
    "scores": Port("float32", (None,)),
}


class ExportedDetector(ExportedPredictor):
    """A graph from an image (H, W, 3) uint8 to boxes, labels and scores.

    Args:
        classes: how many there are.
        bits: the depth of gray pictures of more than 8 bits (see `striate.images.decode`).

    Raises:
        WeightsError: if it is another graph.
    """

    largest_batch = 1

    def __init__(
        self, runtime: Runtime, classes: int, size: int | None = None, bits: int | None = None
    ):
        runtime.require(INPUTS, OUTPUTS)
        super().__init__(runtime)
        self.classes, self.size, self.bits = classes, size, bits

    def prepare(self, item: Input) -> Read:
        return read(item, self.bits)

    def inputs(self, prepared: Read) -> dict[str, NDArray[Any]]:
        return {"image": np.ascontiguousarray(prepared.pixels)}

    def predict(self, batch: Sequence[Read]) -> list[Answer]:
        """Raises WeightsError if the graph fails, or answers with something else than boxes."""
        return [self._answer(one) for one in batch]

    def _answer(self, prepared: Read) -> Answer:
        found = self.runtime.run(self.inputs(prepared))
        boxes, labels, scores = (found[name] for name in OUTPUTS)
        if not (
            boxes.shape == (len(scores), 4)
            and labels.shape == scores.shape == (len(scores),)
            and np.isfinite(boxes).all()
            and np.isfinite(scores).all()
            and ((labels >= 0) & (labels < self.classes)).all()
        ):
            raise WeightsError(f"{self.runtime.path} does not answer with boxes of its classes")
        values = (torch.from_numpy(each.copy()) for each in (boxes, labels, scores))
        return Answer.of(Detections(*values), prepared.source)
