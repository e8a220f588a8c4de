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
        held_out: the same of images that are held out each in its turn: calibrated on are all that
            have finite ones, by classifiers that have not seen them; where None, the validation.
        seconds: of each stage, in order.
    """

    predictor: Callable[[TagCalibration], Tagger]
    recipe: Mapping[str, Any]
    seconds: Mapping[str, float]
    network: str | None = None
    history: tuple[dict[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    logits: Tensor | None = None
    held_out: Tensor | None = None


def finished(made: Made, data: Decoded) -> Learned:
    """Calibrates, and chooses the thresholds, on the validation images."""
    clock, dataset = Clock(dict(made.seconds)), data.dataset
    rows = {name: np.flatnonzero(dataset.split == k) for k, name in enumerate(SPLITS)}
    judged = rows["validation"]
    with clock.stage("calibrate"):
        if made.held_out is not None:
            judged = np.flatnonzero(made.held_out.isfinite().all(1).numpy())
            logits = made.held_out[judged]
        else:
            plain = made.predictor(TagCalibration.plain(len(dataset.classes)))
            pixels = pixels_of(data, plain.preprocessing.view, "validation")
            logits = outputs_of(plain.model, plain.preprocessing, pixels)
        wanted = dataset.targets.numbers[judged].astype(np.int64)
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
