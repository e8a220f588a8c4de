"""What a learning problem owes the loop: batches, named losses, and a score of a model."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from striate.training.accumulation import Parts
from striate.training.loop import Objective
from striate.training.optimizers import optimizer_for, schedule_for
from striate.training.precision import in_precision, scaler_for
from striate.training.recipe import Recipe

Batch = TypeVar("Batch")
Data = TypeVar("Data")
CPU = torch.device("cpu")


class Problem(ABC, Generic[Data, Batch]):
    """How a model's output meets a target.

    Detection returns four named losses; a two-player game overrides `objectives` with one for each
    player; layer-wise pretraining calls `train` with one objective a layer before `fit`.
    """

    score: str
    """The metric by which two checkpoints are compared; more is better."""
    every: int = 1
    """Epochs from one evaluation to the next, for sets so small that validating takes longer than
    learning; the last epoch ends with one in any case."""

    evaluated_rounded: bool = False
    """Whether `evaluate` may compute in the recipe's precision, as learning does."""

    evaluated_by_all: bool = False
    """Whether `evaluate` shares its work among the processes of a group (`group.by_all`); else the
    first one evaluates while the others wait."""

    @abstractmethod
    def prepare(self, data: Data) -> Data:
        """The data after what must be done once, before the first step (decoding, measuring)."""

    @abstractmethod
    def examples(self, data: Data) -> int:
        """The number of training examples; an epoch shows each of them once."""

    @abstractmethod
    def batches(
        self, data: Data, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        """Batches without end, from step `start` on: a pure function of the seed and the step.

        Args:
            device: where the model is, and where views of the inputs may be computed.
        """

    @abstractmethod
    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        """Each named loss of a batch, a scalar; what is minimized is their sum."""

    @abstractmethod
    def evaluate(self, model: nn.Module, data: Data) -> dict[str, float]:
        """The metrics on the validation split, `score` among them; what is not known is left out,
        for a number that is not finite means that the model has diverged."""

    @abstractmethod
    def identity(self, data: Data) -> dict[str, Any]:
        """What must be the same when a run is taken up again, as plain JSON values."""

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        """Parameters that learn at the recipe's full rate; all others learn at its kept rate."""
        return list(model.parameters())

    def learner(self, model: nn.Module) -> nn.Module:
        """The form in which a model learns: the same parameters, perhaps computed otherwise."""
        return model

    def objectives(
        self, model: nn.Module, recipe: Recipe, steps: int
    ) -> Sequence[Objective[Batch]]:
        """What is minimized over `steps` steps: by default the losses, by one optimizer."""
        learner = self.learner(model)
        optimizer = optimizer_for(model, recipe, new=self.new_parameters(model))
        return [
            Objective(
                in_precision(
                    recipe.precision, lambda batch: self.losses(learner, batch, recipe), model
                ),
                optimizer,
                schedule_for(optimizer, recipe, steps),
                clip=recipe.clip,
                parts=Parts(recipe.parts),
                scaler=scaler_for(recipe.precision, model),
            )
        ]
