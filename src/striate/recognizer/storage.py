"""One .safetensors file for all of a recognizer: tensors as they are, the rest JSON beside them."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from striate.errors import StriateError, WeightsError
from striate.handcrafted import BagOfVisualWords, Settings
from striate.models import create
from striate.recognizer.calibration import Calibration
from striate.recognizer.exported import RUNTIMES, Exported
from striate.recognizer.familiarity import Familiarity
from striate.recognizer.recognizer import Recognizer
from striate.training import Preprocessing
from striate.training.checkpoints import load_tensors, save_tensors

FORMAT = 2
READABLE = (1, 2)  # 1 knows no familiarity
DIRECTIONS = "familiarity.directions"
BAG = "bag_of_visual_words"
MAX_SIDE = 8192  # pixels of a view; no network here reads more
MOST_LEVELS = 32  # of a spatial pyramid
LONGEST = 300  # characters of a message that a file has a say in


def save(recognizer: Recognizer, path: str | os.PathLike[str]) -> None:
    """Writes a recognizer, atomically: a whole new file, or what was there before.

    Raises:
        StorageError: if the disk is full or the folder may not be written.
    """
    header = {
        "format": FORMAT,
        "architecture": recognizer.architecture,
        "preprocessing": recognizer.preprocessing.to_json(),
        "classes": list(recognizer.classes),
        "calibration": asdict(recognizer.calibration),
        "provenance": recognizer.provenance,
        "familiarity": None,
    }
    tensors = dict(recognizer.model.state_dict())
    if recognizer.familiarity is not None:
        tensors[DIRECTIONS] = recognizer.familiarity.directions
        header["familiarity"] = {"threshold": recognizer.familiarity.threshold}
    save_tensors(path, tensors, header)


def load(
    path: str | os.PathLike[str], *, model: nn.Module | None = None, engine: str = "torch"
) -> Recognizer | Exported:
    """The recognizer in a file that `Recognizer.save` or an export wrote; nothing is unpickled.

    Shapes are compared with those of the network the header names before memory is taken for it.

    Args:
        model: the network, where it is one of the user's own, which striate cannot build.
        engine: of the `Recognizer`; an exported file (.onnx, .xml) has its own.

    Raises:
        WeightsError: if it is no such file, or its parts do not fit each other.
        MissingExtra: if what runs an exported file is not installed.
    """
    path = Path(path)
    if path.suffix in RUNTIMES:
        return Exported(path)
    return load_trained(path, model=model, engine=engine)


def load_trained(
    path: str | os.PathLike[str], *, model: nn.Module | None = None, engine: str = "torch"
) -> Recognizer:
    """As `load`, but only what `Recognizer.save` wrote, with its network and weights.

    Raises:
        WeightsError: also for an exported file, whose graph has neither layers nor names.
    """
    path = Path(path)
    if path.suffix in RUNTIMES:
        raise WeightsError(f"{path} is an export; give the .safetensors file that it was made from")
    if path.suffix in {".pt", ".pt2", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt"}:
        raise WeightsError(
            f"{path} may run code when it is opened; striate loads .safetensors, .onnx and .xml"
        )
    try:
        tensors, header = load_tensors(path)
    except WeightsError as error:
        raise WeightsError(_short(str(error))) from error
    except RecursionError as error:
        raise WeightsError(f"{path} is not a file that striate wrote (nested too deep)") from error
    if header.get("format") not in READABLE:
        said = _short(repr(header.get("format")))
        if said.startswith("'detector"):
            raise WeightsError(f"{path} finds things: striate predict and evaluate take it")
        raise WeightsError(f"{path} is no recognizer of format {FORMAT} (it says {said})")
    try:
        return _recognizer(path, tensors, header, model, engine)
    except WeightsError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise WeightsError(f"{path} is a damaged recognizer file ({_line(error)})") from error
    except (RuntimeError, StriateError) as error:  # what torch and we make of impossible sizes
        raise WeightsError(f"{path} is a damaged recognizer file ({_line(error)})") from error


def _recognizer(
    path: Path,
    tensors: dict[str, Tensor],
    header: dict[str, Any],
    model: nn.Module | None,
    engine: str,
) -> Recognizer:
    classes, architecture = header["classes"], header["architecture"]
    if not (isinstance(classes, list) and classes and all(isinstance(c, str) for c in classes)):
        raise ValueError("its classes are no list of names")
    if not isinstance(architecture, dict) or not isinstance(header["provenance"], dict):
        raise ValueError("its architecture or provenance is no object")
    preprocessing = Preprocessing.from_json(header["preprocessing"])
    if preprocessing.view.size > MAX_SIDE:
        raise ValueError(f"it wants pictures of {preprocessing.view.size:,} pixels a side")
    calibration = Calibration(**header["calibration"])
    familiarity = None
    if header.get("familiarity") is not None:
        familiarity = Familiarity(tensors.pop(DIRECTIONS), header["familiarity"]["threshold"])
        if len(familiarity.directions) != len(classes):
            raise ValueError(f"it has directions of {len(familiarity.directions)} classes")
    if model is None:
        with torch.device("meta"):
            skeleton = build(architecture, len(classes))
        _check(path, skeleton, tensors)
        if isinstance(skeleton, BagOfVisualWords):
            _see_that_it_reads(skeleton.settings, preprocessing.view.size)
        model = build(architecture, len(classes))
    _check(path, model, tensors)
    model.load_state_dict(tensors)
    return Recognizer(
        model.eval(),
        architecture,
        preprocessing,
        tuple(classes),
        calibration,
        header["provenance"],
        familiarity,
        engine,
    )


def build(architecture: dict[str, Any], classes: int) -> nn.Module:
    """The network that a header names, with fresh weights.

    Raises:
        WeightsError: if the network is not one that striate can build.
        UnknownName, ValueError: if it has no such option.
    """
    name, options = architecture["name"], architecture.get("options", {})
    if name is None:
        kind = _short(str(architecture.get("kind")))
        raise WeightsError(
            f"the file holds a network of the user's own ({kind}): "
            "build it and call striate.load(path, model=...)"
        )
    if name == BAG:
        return BagOfVisualWords(classes=classes, settings=settings_from_json(options))
    if "weights" in options:  # a recognizer brings its own, and names no other file to open
        raise ValueError(f"its {name} asks for other weights: {options['weights']!r}")
    return create(name, classes=classes, **options)


def _see_that_it_reads(settings: Settings, side: int) -> None:
    """Refuses visual words that are not of pictures of this side; no tensor's shape tells."""
    if (
        settings.side != side
        or not 1 <= settings.step <= side
        or not all(1 <= size <= side for size in settings.bin_sizes)
        or not 1 <= len(settings.bin_sizes) <= side
    ):
        raise ValueError(f"its visual words do not read pictures of {side} x {side} pixels")


def settings_from_json(values: dict[str, Any]) -> Settings:
    """The settings that `asdict` turned into JSON.

    Raises:
        ValueError: if there are more cells than a picture has use for.
    """
    if len(values["levels"]) > MOST_LEVELS:
        raise ValueError(f"it has {len(values['levels']):,} levels of cells")
    return Settings(
        **{
            **values,
            "bin_sizes": tuple(values["bin_sizes"]),
            "levels": tuple((int(rows), int(columns)) for rows, columns in values["levels"]),
        }
    )


def _check(path: Path, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Refuses tensors that are not exactly those of the network."""
    ours, theirs = _kinds(model.state_dict()), _kinds(tensors)
    wrong = sorted(
        name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
    )
    if wrong:
        is_, expected = theirs.get(wrong[0], "missing"), ours.get(wrong[0], "nothing of that name")
        raise WeightsError(
            f"{path} does not fit its network: {_short(wrong[0])} is {_short(is_)}, "
            f"expected {_short(expected)} ({len(wrong)} differ)"
        )


def _kinds(tensors: dict[str, Tensor]) -> dict[str, str]:
    """Shape and type of each tensor, as text: "(10, 84) float32"."""
    return {
        name: f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
        for name, tensor in tensors.items()
    }


def _line(error: Exception) -> str:
    """The error as one line of bearable length."""
    text = f"there is no {error}" if isinstance(error, KeyError) else str(error)
    return _short(text) or type(error).__name__


def _short(text: str) -> str:
    """What a file says, as part of a line; only what is absurdly long is cut."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 4]} ..."
