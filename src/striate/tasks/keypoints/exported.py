"""What finds points as a graph in another runtime, in a file that `striate export` wrote."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.errors import WeightsError
from striate.images.decoding import Picture, decode_at, frame, header
from striate.inference import Preprocessing
from striate.inference.runtimes import Port, Runtime
from striate.tasks.contract import ExportedPredictor, Input
from striate.tasks.keypoints.finder import lines_in
from striate.tasks.keypoints.prediction import Answer

INPUTS = {"image": Port("uint8", (None, None, None, 3)), "box": Port("float32", (4,))}


class Decoded(NamedTuple):
    """A picture that was decoded, perhaps at a scale, and its own height and width."""

    picture: Picture
    height: int
    width: int


class ExportedFinder(ExportedPredictor):
    """A graph from an image (N, H, W, 3) uint8 to places and scores.

    Args:
        about: the header of what was exported.

    Raises:
        WeightsError, LookupError, TypeError, ValueError: if it is another graph, or does not belong
            to that header.
    """

    largest_batch = 1

    def __init__(self, runtime: Runtime, about: dict[str, Any], parts: int):
        runtime.require(
            INPUTS,
            {
                "places": Port("float32", (None, parts, 2)),
                "scores": Port("float32", (None, parts)),
            },
        )
        super().__init__(runtime)
        self.preprocessing = Preprocessing.from_json(about["preprocessing"])
        self.size, self.parts = self.preprocessing.view.size, parts
        self.lines = lines_in(about, parts)

    def prepare(self, item: Input) -> Decoded:
        if isinstance(item, str | os.PathLike):
            item = pictures.load(item)
        if isinstance(item, bytes):
            view, size = self.preprocessing.view, frame(item)
            picture = decode_at(item, view.scale(header(item)), bits=view.bits)
            return Decoded(picture, size.height, size.width)
        pixels = pictures.to_rgb(np.asarray(item))
        height, width = pixels.shape[:2]
        return Decoded(Picture(pixels, (0, 0, width, height)), height, width)

    def inputs(self, prepared: Decoded) -> dict[str, NDArray[Any]]:
        picture = prepared.picture
        return {"image": picture.pixels[None], "box": np.array(picture.box, np.float32)}

    def predict(self, batch: Sequence[Decoded]) -> list[Answer]:
        """Raises WeightsError if the graph fails, or answers with something else than places."""
        return [self._answer(one) for one in batch]

    def _answer(self, one: Decoded) -> Answer:
        found = self.runtime.run(self.inputs(one))
        places, scores = found["places"], found["scores"]
        if not (
            places.shape == (1, self.parts, 2)
            and scores.shape == (1, self.parts)
            and np.isfinite(places).all()
            and np.isfinite(scores).all()
        ):
            raise WeightsError(f"{self.runtime.path} does not answer with a place for each part")
        left, top, right, bottom = one.picture.box
        scale = np.array([one.width / (right - left), one.height / (bottom - top)])
        return Answer(
            places[0].astype(np.float64) * scale,
            scores[0].astype(np.float64),
            one.height,
            one.width,
            self.lines,
        )
