"""One .safetensors file for all of a recognizer: tensors as they are, the rest JSON in its header."""

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
from striate.recognizer.recognizer import Recognizer
from striate.training import Preprocessing
from striate.training.checkpoints import load_tensors, save_tensors

FORMAT = 1
BAG = "bag_of_visual_words"


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
    }
    save_tensors(path, recognizer.model.state_dict(), header)


def load(path: str | os.PathLike[str], *, model: nn.Module | None = None) -> Recognizer:
    """The recognizer in a file that `Recognizer.save` wrote; nothing is unpickled.

    Shapes are compared with those of the network the header names before memory is taken for it.

    Args:
        model: the network, where it is one of the user's own, which striate cannot build.

    Raises:
        WeightsError: if it is no such file, or its parts do not fit each other.
    """
    path = Path(path)
    if path.suffix in {".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt"}:
        raise WeightsError(
            f"{path} may run code when it is opened; striate loads .safetensors only"
        )
    tensors, header = load_tensors(path)
    if header.get("format") != FORMAT:
        raise WeightsError(
            f"{path} is no recognizer of format {FORMAT} (it says {header.get('format')!r})"
        )
    try:
        architecture = header["architecture"]
        classes = tuple(str(name) for name in header["classes"])
        if model is None:
            with torch.device("meta"):
                _check(path, build(architecture, len(classes)), tensors)
            model = build(architecture, len(classes))
        _check(path, model, tensors)
        model.load_state_dict(tensors)
        return Recognizer(
            model.eval(),
            architecture,
            Preprocessing.from_json(header["preprocessing"]),
            classes,
            Calibration(**header["calibration"]),
            header["provenance"],
        )
    except WeightsError:
        raise
    except (KeyError, TypeError, ValueError, StriateError) as error:
        raise WeightsError(f"{path} is a damaged recognizer file ({error})") from error


def build(architecture: dict[str, Any], classes: int) -> nn.Module:
    """The network that a header names, with fresh weights.

    Raises:
        WeightsError: if the network is not one that striate can build.
    """
    name, options = architecture["name"], architecture.get("options", {})
    if name == BAG:
        return BagOfVisualWords(classes=classes, settings=settings_from_json(options))
    if name is None:
        raise WeightsError(
            f"the file holds a network of the user's own ({architecture.get('kind')}): "
            "build it and call striate.load(path, model=...)"
        )
    return create(name, classes=classes, **options)


def settings_from_json(values: dict[str, Any]) -> Settings:
    """The settings that `asdict` turned into JSON."""
    return Settings(
        **{
            **values,
            "bin_sizes": tuple(values["bin_sizes"]),
            "levels": tuple((int(rows), int(columns)) for rows, columns in values["levels"]),
        }
    )


def _check(path: Path, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Refuses tensors that are not exactly those of the network."""
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    wrong = sorted(
        name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)
    )
    if wrong:
        raise WeightsError(
            f"{path} does not fit its network: {wrong[0]} is {theirs.get(wrong[0], 'missing')}, "
            f"expected {ours.get(wrong[0], 'nothing of that name')} ({len(wrong)} differ)"
        )
