"""A picture network that was exported, run by the runtime it was exported for.

Preprocessing and what is decided are in the file's own graph; what is added here is reading
pictures by the one rule.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.images import View
from striate.images.decoding import Picture, decode_at, header
from striate.inference import Preprocessing
from striate.tasks.contract import ExportedPredictor, Input

if TYPE_CHECKING:
    from striate.inference.runtimes import Port, Runtime


class ExportedPicture(ExportedPredictor):
    """The graph that `graph_of` describes, in an .onnx file or an .xml file.

    Args:
        outputs: what the graph must give.

    Raises:
        WeightsError, LookupError, TypeError, ValueError: if the graph is of another form, or does
            not belong to these metadata.
    """

    def __init__(
        self,
        runtime: "Runtime",
        about: Mapping[str, Any],
        names: tuple[str, ...],
        outputs: "Mapping[str, Port]",
    ):
        from striate.inference.runtimes import Port

        super().__init__(runtime)
        self.preprocessing = Preprocessing.from_json(about["preprocessing"])
        self.size, self.classes = self.preprocessing.view.size, len(names)
        image = {"image": Port("uint8", (None, None, None, 3)), "box": Port("float32", (4,))}
        runtime.require(image, dict(outputs))

    def prepare(self, item: Input) -> Picture:
        """A picture as the graph takes it: its pixels, and the box of them that is meant."""
        return decoded(item, self.preprocessing.view)

    def inputs(self, prepared: Picture) -> dict[str, NDArray[Any]]:
        return {"image": prepared.pixels[None], "box": np.array(prepared.box, np.float32)}


def decoded(item: Input, view: View) -> Picture:
    """A path, the bytes of a file or pixels, as large as the view needs.

    Raises:
        ImageError: if it cannot be read.
    """
    if isinstance(item, str | os.PathLike):
        item = pictures.load(item)
    if isinstance(item, bytes):
        return decode_at(item, view.scale(header(item)), bits=view.bits)
    pixels = pictures.to_rgb(np.asarray(item))
    return Picture(pixels, (0, 0, pixels.shape[1], pixels.shape[0]))
