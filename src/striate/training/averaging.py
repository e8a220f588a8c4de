"""The mean of the weights a run goes through, in place of the last of them.

Late steps circle about a good place; their mean lies nearer to it than any of them (Polyak and
Juditsky 1992). Recent steps count more: an exponential moving average.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from striate.training.sharding import divided


class Average:
    """A moving average of the parameters of a model that learns.

    After step k the average moves by max(1 - decay, 1 / (k + 1)) of the way to the weights, so that
    in the beginning it is the plain mean of all of them.

    Args:
        model: what learns; buffers (batch-normalization statistics) are averages already and stay.
        decay: what is kept of the average at each step, in (0, 1).
    """

    def __init__(self, model: nn.Module, decay: float):
        if not 0 < decay < 1:
            raise ValueError(f"the decay of an average must lie between 0 and 1, not {decay}")
        self.decay = decay
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.mean = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Takes in the weights after `step` (from 1)."""
        share = max(1 - self.decay, 1 / (step + 1))
        torch._foreach_lerp_(self.mean, [p.detach() for p in self.parameters], share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside the block the model has the mean as its weights."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for parameter, mean in zip(self.parameters, self.mean, strict=True):
            weights = parameter.clone()
            parameter.copy_(mean)
            mean.copy_(weights)

    def tensors(self) -> dict[str, Tensor]:
        """What a checkpoint must hold."""
        return {str(number): mean for number, mean in enumerate(self.mean)}

    def put_back(self, tensors: dict[str, Tensor]) -> None:
        """Takes up what `tensors` gave; KeyError or RuntimeError where it is another model's."""
        for number, mean in enumerate(self.mean):
            mean.copy_(divided(tensors[str(number)], mean))
