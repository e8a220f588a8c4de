"""From a trained network to a complete predictor: calibrated, able to say "none of these"."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data import SPLITS, Decoded
from striate.inference.outputs import outputs_of
from striate.progress import Clock
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.problem import metrics, split
from striate.tasks.contract import Learned
from striate.tasks.labels.answers import Answer
from striate.tasks.labels.calibration import Calibration


@dataclass(frozen=True, eq=False)
class Made:
    """What a method made of the training images.

    Attributes:
        predictor: not calibrated yet.
        logits: (N, classes) of every image of the set, where the method has them already.
        features: (n, D) of the images of a split, what the last full connection reads, by its name;
            of "train" and "validation", perhaps also "test", where the method has them already.
        seconds: of each stage, in order.
    """

    predictor: Classifier
    recipe: Mapping[str, Any]
    seconds: Mapping[str, float]
    network: str | None = None
    history: tuple[dict[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    logits: Tensor | None = None
    features: Mapping[str, Tensor] = field(default_factory=dict)


def finished(made: Made, data: Decoded) -> Learned:
    """Calibrates on the validation images and fits familiarity to the training images."""
    clock, predictor = Clock(dict(made.seconds)), made.predictor
    view = predictor.preprocessing.view
    rows = {name: np.flatnonzero(data.dataset.split == k) for k, name in enumerate(SPLITS)}
    targets: NDArray[np.int64] = data.dataset.targets.single()
    with clock.stage("calibrate"):
        if made.logits is not None:
            logits = made.logits[rows["validation"]]
        else:
            pixels, _ = split(data, view, "validation")
            logits = outputs_of(predictor.model, predictor.preprocessing, pixels)
        wanted = targets[rows["validation"]]
        calibration = Calibration.fitted(logits, torch.from_numpy(wanted))
        predictor = replace(predictor, calibration=calibration)
    with clock.stage("none of these"):
        train, held_out = rows["train"], rows["validation"]
        if made.features:
            seen = torch.from_numpy(targets[train])
            predictor = predictor.knowing(made.features["train"], seen, made.features["validation"])
        else:
            predictor = predictor.familiar(data.pixels[view], targets, train, held_out)
    answers = None
    if made.logits is not None and "test" in made.features:
        answers = _answers(predictor, made.logits[rows["test"]], made.features["test"])
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


def _answers(predictor: Classifier, logits: Tensor, features: Tensor) -> list[Answer]:
    """What the predictor answers to pictures whose logits and features are known."""
    outputs = logits
    if predictor.familiarity is not None:
        outputs = torch.cat([logits, predictor.familiarity(features)[:, None]], 1)
    probabilities, known = predictor.decided(outputs)
    return [
        Answer(row, bool(one))
        for row, one in zip(probabilities.numpy(), known.numpy(), strict=True)
    ]
