"""A network of tags that was exported, run by the runtime it was exported for: the same answers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.errors import WeightsError
from striate.images.decoding import Picture
from striate.tasks.pictures.exported import ExportedPicture
from striate.tasks.tags.answers import Tagged

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class Exported(ExportedPicture):
    """The graph that `TagNetwork.graph` describes."""

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any], names: tuple[str, ...]):
        from striate.inference.runtimes import Port

        shape = (None, len(names))
        outputs = {"probabilities": Port("float32", shape), "there": Port("bool", shape)}
        super().__init__(runtime, about, names, outputs)

    def predict(self, batch: Sequence[Picture]) -> list[Tagged]:
        """One by one, for each has a size of its own.

        Raises:
            WeightsError: if the graph fails, or answers with something else than probabilities.
        """
        return [self._answer(picture) for picture in batch]

    def _answer(self, picture: Picture) -> Tagged:
        found = self.runtime.run(self.inputs(picture))
        probabilities, there = found["probabilities"], found["there"]
        shape = (1, self.classes)
        if probabilities.shape != shape or there.shape != shape:
            raise WeightsError(f"{self.runtime.path} does not answer with a probability each class")
        if not np.isfinite(probabilities).all():
            raise WeightsError(f"{self.runtime.path} answers with numbers that are not finite")
        return Tagged(probabilities[0], there[0])
