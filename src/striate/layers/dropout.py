"""Dropout (Hinton et al. 2012, arXiv:1207.0580; Srivastava et al. 2014) and its two test rules.

Training draws one of the 2^n networks that n hidden units allow. In testing there are two ways to
ask all of them: use every unit with its outgoing weights halved (`Dropout` in eval mode, and
`nn.Dropout`, which doubles in training instead), or sample some and take the geometric mean of
their distributions (`dropout_ensemble`). Before a softmax, with one layer, both agree exactly.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from striate.errors import ModelError

KINDS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


class Dropout(nn.Module):
    """Dropout by the paper's letter: units are left out in training, their weights cut in testing.

    What a trained network computes is what it would with `nn.Dropout`; but these weights, unlike
    those, are the sampled networks' own, and activations in testing are half as large.

    Args:
        p: probability in [0, 1) that a unit is left out.
    """

    def __init__(self, p: float = 0.5):
        if not 0 <= p < 1:
            raise ModelError(f"a unit is left out with a probability in [0, 1), not p={p}")
        super().__init__()
        self.p = p

    def forward(self, activations: Tensor) -> Tensor:
        if not self.training:
            return activations * (1 - self.p)
        return activations * torch.empty_like(activations).bernoulli_(1 - self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"


@contextmanager
def sampling(model: nn.Module) -> Iterator[None]:
    """Within it, the model's dropout layers draw, and everything else is in eval mode."""
    before = {module: module.training for module in model.modules()}
    try:
        for module in model.modules():
            module.training = isinstance(module, (Dropout, *KINDS))
        yield
    finally:
        for module, training in before.items():
            module.training = training


@torch.no_grad()
def dropout_ensemble(
    model: nn.Module, images: Tensor, *, samples: int = 16, seed: int = 0
) -> Tensor:
    """The normalized geometric mean of the distributions of networks drawn by dropout.

    Args:
        model: gives logits (N, classes) and holds a dropout layer, of ours or of torch.
        images: what it reads.
        samples: how many networks to draw.
        seed: of the drawing. Torch's own random state and the model's modes are given back.

    Returns:
        Log-probabilities (N, classes); their exponentials sum to 1 in each row.

    Raises:
        ModelError: the model has no dropout layer, or `samples` is below 1.
    """
    if samples < 1:
        raise ModelError(f"an ensemble needs 1 sample or more, not {samples}")
    if not any(isinstance(module, (Dropout, *KINDS)) for module in model.modules()):
        raise ModelError("the model has no dropout layer to draw networks from")
    devices = [images.device] if images.device.type == "cuda" else []
    with sampling(model), torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        total = sum(model(images).log_softmax(1) for _ in range(samples))
    return (total / samples).log_softmax(1)
