"""The deep autoencoder (Hinton & Salakhutdinov 2006, Science 313:504).

Boltzmann machines are learned one above the other, the topmost with real-valued hidden units, and
unrolled: up through their weights to a code of few numbers, down through the same ones to the
picture. Then both halves learn on, each by itself, to give back what they read.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.models.rbm import RBM

WIDTHS = (1000, 500, 250, 30)


class Autoencoder(nn.Module):
    """Visible (N, V) in [0, 1] to logits (N, V) of the same.

    Args:
        widths: units of each layer up to the code, which is linear; the others are logistic.
    """

    def __init__(self, visible: int, widths: Sequence[int] = WIDTHS):
        super().__init__()
        sizes = [visible, *widths]
        up = list(pairwise(sizes))
        self.encoder = logistic([nn.Linear(*pair) for pair in up])
        self.decoder = logistic([nn.Linear(high, low) for low, high in reversed(up)])

    @classmethod
    def of(cls, machines: Sequence[RBM]) -> "Autoencoder":
        """Machines learned one above the other, unrolled."""
        visible = machines[0].weight.shape[1]
        model = cls(visible, [len(machine.hidden_bias) for machine in machines])
        up, down = (
            [layer for layer in half if isinstance(layer, nn.Linear)]
            for half in (list(model.encoder), list(model.decoder)[::-1])
        )
        with torch.no_grad():
            for machine, rising, falling in zip(machines, up, down, strict=True):
                rising.weight.copy_(machine.weight)
                rising.bias.copy_(machine.hidden_bias)
                falling.weight.copy_(machine.weight.T)
                falling.bias.copy_(machine.visible_bias)
        return model

    def forward(self, visible: Tensor) -> Tensor:
        found: Tensor = self.decoder(self.encoder(visible))
        return found

    def losses(self, visible: Tensor) -> dict[str, Tensor]:
        """The cross-entropy of each number, in nats a case."""
        loss = F.binary_cross_entropy_with_logits(self(visible), visible, reduction="sum")
        return {"cross_entropy": loss / len(visible)}


def logistic(layers: Sequence[nn.Module]) -> nn.Sequential:
    """Layers with logistic units between them."""
    parts: list[nn.Module] = []
    for layer in layers:
        parts += [layer, nn.Sigmoid()]
    return nn.Sequential(*parts[:-1])
