"""A network that was exported, run by the runtime it was exported for: the same answers.

Preprocessing, calibration and the test for "none of these" are in the file's own graph; what is
added here is reading pictures by the one rule.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.errors import WeightsError
from striate.images.decoding import Picture, decode_at, header
from striate.inference import Preprocessing
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.labels.answers import Answer

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class Exported(ExportedPredictor):
    """The graph that `Network.graph` describes, in an .onnx file or an .xml file.

    Raises:
        WeightsError, LookupError, TypeError, ValueError: if the graph is of another form, or does
            not belong to these metadata.
    """

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any], names: tuple[str, ...]):
        from striate.inference.runtimes import Port

        super().__init__(runtime)
        self.preprocessing = Preprocessing.from_json(about["preprocessing"])
        self.size, self.classes = self.preprocessing.view.size, len(names)
        runtime.require(
            {"image": Port("uint8", (None, None, None, 3)), "box": Port("float32", (4,))},
            {
                "probabilities": Port("float32", (None, len(names))),
                "known": Port("bool", (None,)),
            },
        )

    def prepare(self, item: Input) -> Picture:
        """A picture as the graph takes it: its pixels, and the box of them that is meant."""
        if isinstance(item, str | os.PathLike):
            item = pictures.load(item)
        if isinstance(item, bytes):
            view = self.preprocessing.view
            return decode_at(item, view.scale(header(item)), bits=view.bits)
        pixels = pictures.to_rgb(np.asarray(item))
        return Picture(pixels, (0, 0, pixels.shape[1], pixels.shape[0]))

    def inputs(self, prepared: Picture) -> dict[str, NDArray[Any]]:
        return {"image": prepared.pixels[None], "box": np.array(prepared.box, np.float32)}

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
