"""From pixels to calibrated probabilities: what the classifiers of this task have in common."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.inference import Preprocessing
from striate.inference.outputs import outputs_of
from striate.models import classifier
from striate.models.surgery import Before
from striate.tasks.classification.familiarity import (
    MOST,
    WIDEST,
    Familiarity,
    judging,
    some_of_each,
)
from striate.tasks.labels.answers import Answer
from striate.tasks.labels.calibration import Calibration
from striate.tasks.pictures.predictor import PicturePredictor, Pixels, number, same_kinds

DIRECTIONS = "familiarity.directions"


@dataclass(eq=False, kw_only=True)
class Classifier(PicturePredictor):
    """A network, or what has the form of one, with all that belongs to its answer.

    Attributes:
        familiarity: what decides between the classes and "none of these"; where None, it is the
            calibration's threshold on the largest probability.
    """

    calibration: Calibration = field(default_factory=Calibration)
    familiarity: Familiarity | None = None

    def said(self, probabilities: NDArray[np.float32], known: NDArray[np.bool_]) -> list[Answer]:
        return [Answer(row, bool(one)) for row, one in zip(probabilities, known, strict=True)]

    def decided(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (N, classes) and whether each is one of the classes (N,).

        Args:
            outputs: of `network`.
        """
        probabilities = self.calibration(outputs[:, : self.classes])
        if self.familiarity is None:
            return probabilities, probabilities.amax(1) >= self.calibration.threshold
        return probabilities, outputs[:, self.classes] >= self.familiarity.threshold

    def exported(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        probabilities, known = self.decided(outputs)
        return probabilities, probabilities.argmax(1), known

    def network(self) -> nn.Module:
        """A copy for answering, batch normalization folded: logits (N, classes).

        With a `familiarity`, (N, classes + 1): the last column is what that gives.
        """
        copy = super().network()
        return copy if self.familiarity is None else judging(copy, self.familiarity)

    def probabilities(self, logits: Tensor) -> Tensor:
        return self.calibration(logits)

    @property
    def refuses(self) -> bool:
        """Whether it can say that a picture is none of the classes."""
        return self.familiarity is not None or self.calibration.threshold > 0

    def familiar(
        self,
        pixels: Pixels,
        targets: NDArray[np.int64],
        learned: NDArray[np.int64],
        held_out: NDArray[np.int64],
    ) -> Self:
        """The same, able to say "none of these" by how far a picture is from those learned from.

        Where the network has no full connection that gives the logits, or one of more than WIDEST
        features, nothing changes.

        Args:
            pixels: (N, S, S, C) pictures in this view.
            targets: (N,) their classes.
            learned: the rows that were learned from; about MOST of them are used.
            held_out: the rows, at least one, of which 95 % shall stay known.
        """
        try:
            last = classifier(self.model)[1]
        except ModelError:
            return self
        if last.in_features > WIDEST or last.out_features != self.classes:
            return self
        learned = learned[some_of_each(targets[learned])]
        held_out = held_out[:: -(-len(held_out) // MOST)]
        known, others = (
            outputs_of(Before(self.model), self.preprocessing, pixels[rows], batch_size=32)
            for rows in (learned, held_out)
        )
        seen = torch.from_numpy(targets[learned])
        return self.knowing(known.flatten(1), seen, others.flatten(1))

    def knowing(self, features: Tensor, targets: Tensor, held_out: Tensor) -> Self:
        """As `familiar`, from the features (N, D) that the last full connection reads."""
        found = Familiarity.fitted(features, targets, held_out, classes=self.classes)
        return replace(self, familiarity=found)

    def tensors(self) -> dict[str, Tensor]:
        tensors = dict(self.model.state_dict())
        if self.familiarity is not None:
            tensors[DIRECTIONS] = self.familiarity.directions
        return tensors

    def header(self) -> dict[str, Any]:
        known = self.familiarity
        return {
            **self.form(),
            "preprocessing": self.preprocessing.to_json(),
            "calibration": asdict(self.calibration),
            "familiarity": None if known is None else {"threshold": known.threshold},
        }


def parts_of(
    tensors: Mapping[str, Tensor], header: Mapping[str, Any], skeleton: nn.Module
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The model's own tensors in a file, and what a `Classifier` needs beside the model.

    Args:
        skeleton: the model, perhaps without memory; sizes are compared with it first.

    Raises:
        ValueError, LookupError, TypeError: if they do not belong together.
    """
    own = dict(tensors)
    known = header["familiarity"]
    expected = dict(skeleton.state_dict())
    if known is not None:
        rows, width = classifier(skeleton)[1].weight.shape
        expected[DIRECTIONS] = torch.empty(rows, width, device="meta")
    same_kinds(expected, own)
    familiarity = None
    if known is not None:
        familiarity = Familiarity(own.pop(DIRECTIONS), number(known["threshold"]))
    calibration = {name: number(value) for name, value in header["calibration"].items()}
    return own, {
        "preprocessing": Preprocessing.from_json(header["preprocessing"]),
        "calibration": Calibration(**calibration),
        "familiarity": familiarity,
    }
