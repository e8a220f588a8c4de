"""Networks that tell the state of a hidden Markov model from a window of speech.

The deep neural network of Dahl, Yu, Deng and Acero 2012, and the convolutional one of Abdel-Hamid
et al. 2014, whose maps lie along frequency, so that a voice that is a little higher moves a feature
and does not change it.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from striate.layers import LimitedSharing

Sharing = Literal["full", "limited"]


class AcousticDNN(nn.Module):
    """Windows (N, T, C, D): T frames of D features, each with its differences (C), to logits.

    Args:
        shape: T, C and D.
        states: of the hidden Markov model.
        hidden: units of each layer.
        logistic: whether units are logistic, as in 2012, or rectified.
        dropout: share of the hidden units that are left out of a step.
    """

    def __init__(
        self, shape: tuple[int, int, int], states: int, *, hidden: tuple[int, ...] = (512,) * 4,
        logistic: bool = False, dropout: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        self.layers = nn.ModuleList()
        width = shape[0] * shape[1] * shape[2]
        for units in hidden:
            self.layers.append(_connected(width, units, logistic=logistic))
            width = units
        self.activation = nn.Sigmoid() if logistic else nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.classifier = _connected(width, states, logistic=True)

    def forward(self, windows: Tensor) -> Tensor:
        found = windows.flatten(1)
        for layer in self.layers:
            found = self.dropout(self.activation(layer(found)))
        return self.classifier(found)


class AcousticCNN(nn.Module):
    """As `AcousticDNN`, with a convolution along the first `bands` features before it.

    All frames and differences of a band are channels: only frequency is convolved (Section III).
    What is no band, the energy, goes to the first full connection.

    Args:
        maps: of the convolution; with limited sharing, of each section.
        width: bands that a map covers.
        pool, shift: places that are pooled, and from one pooled place to the next.
    """

    def __init__(
        self, shape: tuple[int, int, int], states: int, *, bands: int = 40,
        sharing: Sharing = "limited", maps: int = 84, width: int = 8, pool: int = 6, shift: int = 2,
        hidden: tuple[int, ...] = (512, 512), dropout: float = 0.0,
    ):  # fmt: skip
        super().__init__()
        channels, self.bands = shape[0] * shape[1], bands
        self.pool: nn.Module
        if sharing == "limited":
            self.convolution: nn.Module = LimitedSharing(
                channels, bands, maps, width=width, pool=pool, shift=shift
            )
            self.pool = nn.Identity()
        else:
            self.convolution = nn.Conv1d(channels, maps, width)
            self.pool = nn.MaxPool1d(pool, shift)
        sections = (bands - width + 1 - pool) // shift + 1
        self.layers = nn.ModuleList()
        units = maps * sections + channels * (shape[2] - bands)
        for size in hidden:
            self.layers.append(_connected(units, size))
            units = size
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.classifier = _connected(units, states, logistic=True)

    def forward(self, windows: Tensor) -> Tensor:
        channels = windows.flatten(1, 2)  # (N, T * C, D)
        maps = self.activation(self.pool(self.convolution(channels[:, :, : self.bands])))
        found = torch.cat([maps.flatten(1), channels[:, :, self.bands :].flatten(1)], 1)
        for layer in self.layers:
            found = self.dropout(self.activation(layer(found)))
        return self.classifier(found)


def _connected(inputs: int, outputs: int, *, logistic: bool = False) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    if logistic:
        nn.init.xavier_uniform_(layer.weight)
    else:
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer
