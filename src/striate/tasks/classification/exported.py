"""A classifier that was exported, run by the runtime it was exported for: the same answers."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.errors import WeightsError
from striate.images.decoding import Picture
from striate.tasks.labels.answers import Answer
from striate.tasks.pictures.exported import ExportedPicture

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class Exported(ExportedPicture):
    """The graph that `Network.graph` describes."""

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any], names: tuple[str, ...]):
        from striate.inference.runtimes import Port

        outputs = {
            "probabilities": Port("float32", (None, len(names))),
            "known": Port("bool", (None,)),
        }
        super().__init__(runtime, about, names, outputs)

    def predict(self, batch: Sequence[Picture]) -> list[Answer]:
        """One by one, for each has a size of its own.

        Raises:
            WeightsError: if the graph fails, or answers with something else than probabilities.
        """
        return [self._answer(picture) for picture in batch]

    def _answer(self, picture: Picture) -> Answer:
        found = self.runtime.run(self.inputs(picture))
        probabilities, known = found["probabilities"], found["known"]
        if not (
            probabilities.shape == (1, self.classes)
            and known.shape == (1,)
            and np.isfinite(probabilities).all()
        ):
            raise WeightsError(f"{self.runtime.path} does not answer with a probability each class")
        return Answer(probabilities[0], bool(known[0]))
