"""A recognizer that was exported, run by the runtime it was exported for: the same answers."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate import images as pictures
from striate.errors import ImageError, MissingExtra, WeightsError
from striate.images.decoding import Picture as Decoded
from striate.images.decoding import decode_at, header
from striate.recognizer.prediction import Prediction
from striate.recognizer.reading import Picture, batches
from striate.training import Preprocessing

KEY = "striate"  # of our metadata, in every format
Run = Callable[[NDArray[np.uint8], NDArray[np.float32]], tuple[NDArray[Any], NDArray[Any]]]


class Exported:
    """A recognizer in an .onnx file (ONNX Runtime) or an .xml file (OpenVINO).

    Preprocessing, calibration and the test for "none of these" are in the file's own graph; what is
    added here is reading pictures by the one rule.

    Attributes:
        classes: their names, in the order of the probabilities.
        provenance: recipe, data fingerprint, scores: plain JSON values.

    Raises:
        WeightsError: if the file is none that `striate export` wrote.
        MissingExtra: if its runtime is not installed.
    """

    def __init__(self, path: str | os.PathLike[str]):
        path = Path(path)
        if not path.is_file():
            raise WeightsError(f"there is no file {path}")
        try:
            self._run, text = RUNTIMES[path.suffix](path)
            values = json.loads(text)
            if "task" in values:
                raise WeightsError(f"{path} is a detector; striate predict runs it")
            self.preprocessing = Preprocessing.from_json(values["preprocessing"])
            self.classes: tuple[str, ...] = tuple(str(name) for name in values["classes"])
            self.provenance: dict[str, Any] = dict(values["provenance"])
        except MissingExtra:
            raise
        except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path} is not a file that striate exported ({reason})") from error

    def __call__(self, images: Iterable[Picture], *, batch_size: int = 32) -> list[Prediction]:
        """Predictions for paths and arrays (see `predict`)."""
        return list(self.predict(images, batch_size=batch_size))

    def predict(self, images: Iterable[Picture], *, batch_size: int = 32) -> Iterator[Prediction]:
        """One prediction a picture, in order, as `Recognizer.predict` gives it.

        Args:
            images: paths, or arrays as `striate.images.to_rgb` takes them.
            batch_size: pictures that are decoded together; they are computed one by one, for each
                has a size of its own.
        """
        for names, decoded in batches(images, self.decoded, batch_size):
            for name, picture in zip(names, decoded, strict=True):
                if isinstance(picture, ImageError):
                    yield Prediction(name, error=str(picture))
                    continue
                yield Prediction.of(name, self.classes, *self.answer(picture))

    def answer(self, picture: Decoded) -> tuple[NDArray[np.float32], bool]:
        """Calibrated probabilities (classes,), and whether the picture is one of the classes."""
        box = np.array(picture.box, np.float32)
        probabilities, known = self._run(picture.pixels[None], box)
        return probabilities[0], bool(known[0])

    def decoded(self, picture: Picture) -> Decoded:
        """A picture as the graph takes it: its pixels, and the box of them that is meant."""
        if isinstance(picture, str | os.PathLike):
            data = pictures.load(picture)
            return decode_at(data, self.preprocessing.view.scale(header(data)))
        pixels = pictures.to_rgb(np.asarray(picture))
        return Decoded(pixels, (0, 0, pixels.shape[1], pixels.shape[0]))


def with_onnxruntime(path: Path) -> tuple[Run, str]:
    """The graph in an .onnx file, and our metadata in it."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra(f"running {path}", "export") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; they come as exceptions, too
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no root below Exception
        raise ValueError(error) from error

    def run(image: NDArray[np.uint8], box: NDArray[np.float32]) -> tuple[NDArray, NDArray]:
        outputs = ["probabilities", "known"]
        probabilities, known = session.run(outputs, {"image": image, "box": box})
        return probabilities, known

    return run, session.get_modelmeta().custom_metadata_map[KEY]


def with_openvino(path: Path) -> tuple[Run, str]:
    """The graph in an .xml file with its .bin beside it, and our metadata in it."""
    try:
        import openvino
    except ImportError as error:
        raise MissingExtra(f"running {path}", "export") from error
    core = openvino.Core()
    model = core.read_model(path)
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": "f32",  # where a processor has bfloat16, answers would change
    }
    text = model.get_rt_info([KEY]).astype(str)
    compiled = core.compile_model(model, "CPU", settings)

    def run(image: NDArray[np.uint8], box: NDArray[np.float32]) -> tuple[NDArray, NDArray]:
        found = compiled({"image": image, "box": box})
        return found["probabilities"], found["known"]

    return run, text


RUNTIMES: dict[str, Callable[[Path], tuple[Run, str]]] = {
    ".onnx": with_onnxruntime,
    ".xml": with_openvino,
}
