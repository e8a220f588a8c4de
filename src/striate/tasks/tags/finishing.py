"""From a trained network to a complete predictor: calibrated, with its thresholds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from striate.data import SPLITS, Decoded
from striate.inference.outputs import outputs_of
from striate.progress import Clock
from striate.tasks.contract import Learned
from striate.tasks.pictures.problem import pixels_of
from striate.tasks.tags.calibration import TagCalibration
from striate.tasks.tags.predictor import Tagger
from striate.tasks.tags.problem import metrics


@dataclass(frozen=True, eq=False)
class Made:
    """What a method made of the training images.

    Attributes:
        predictor: given its calibration, complete.
        logits: (N, classes) of every image of the set, where the method has them already.
        seconds: of each stage, in order.
    """

    predictor: Callable[[TagCalibration], Tagger]
    recipe: Mapping[str, Any]
    seconds: Mapping[str, float]
    network: str | None = None
    history: tuple[dict[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    logits: Tensor | None = None


def finished(made: Made, data: Decoded) -> Learned:
    """Calibrates, and chooses the thresholds, on the validation images."""
    clock, dataset = Clock(dict(made.seconds)), data.dataset
    rows = {name: np.flatnonzero(dataset.split == k) for k, name in enumerate(SPLITS)}
    wanted = dataset.targets.numbers[rows["validation"]].astype(np.int64)
    with clock.stage("calibrate"):
        if made.logits is not None:
            logits = made.logits[rows["validation"]]
        else:
            plain = made.predictor(TagCalibration.plain(len(dataset.classes)))
            pixels = pixels_of(data, plain.preprocessing.view, "validation")
            logits = outputs_of(plain.model, plain.preprocessing, pixels)
        calibration = TagCalibration.fitted(logits, torch.from_numpy(wanted))
    predictor = made.predictor(calibration)
    answers = None
    if made.logits is not None:
        probabilities, there = predictor.decided(made.logits[rows["test"]])
        answers = predictor.said(probabilities.numpy(), there.numpy())
    return Learned(
        predictor,
        validation=metrics(logits, wanted),
        seconds=clock.seconds,
        network=made.network,
        history=made.history,
        recipe=made.recipe,
        notes=made.notes,
        answers=answers,
    )
