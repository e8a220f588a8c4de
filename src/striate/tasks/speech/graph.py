"""From samples to the scores of states as one graph, for other runtimes.

The search for words is no graph. What it needs - how words are pronounced, the grammar, how long
states last - stands as JSON in the exported file and in a file beside it.
"""

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from striate import audio, hmm
from striate.audio import Filters
from striate.audio.features import FLOOR, cosines
from striate.inference.program import Graph
from striate.layers import LimitedSharing
from striate.tasks.speech import grammars
from striate.tasks.speech.features import CEPSTRA, CHANNELS
from striate.tasks.speech.windows import CONTEXT

if TYPE_CHECKING:
    from striate.tasks.speech.predictors import (
        MixtureRecognizer,
        NetworkRecognizer,
        Recognizing,
    )

BESIDE = ".decoding.json"
REACH = 2  # frames that a difference sees on both sides
ABOUT = {
    "samples": "(N,) float32 in about [-1, 1], mono, at filters.rate; at least two windows",
    "scores": "(T, P) float32, log p(frame | state) up to what all states of a frame share; state "
              "3 u + s is the s-th of unit u",
    "loudness": "(T,) float32, logarithm of the energy of each frame",
}  # fmt: skip
DECODING = (
    "The words are those of the best path (Viterbi) through the states. A unit has three states "
    "that are passed from left to right; 'stays' has the probability of one more frame in each. A "
    "word passes the units of one of its 'pronunciations'; before the first and after each word "
    "unit 0, silence, may be passed, with probability 'pause'. Word w after history h (words, the "
    "latest last, -1 the start of a sentence, -2 nothing) adds scale * weight + penalty; where no "
    "weight is listed, scale * backoff of h and then that of the shorter history. Word number "
    "len(words) is the end of a sentence. All weights are natural logarithms."
)


class Features(nn.Module):
    """Samples (N,) to log-mel features (T, width), as `audio.log_mel` computes them: the Fourier
    transform of a frame is a convolution with its waves."""

    waves: Tensor
    banks: Tensor
    ones: Tensor

    def __init__(self, filters: Filters):
        super().__init__()
        self.filters = filters
        waves = np.fft.rfft(np.eye(filters.window), filters.points)  # (window, points // 2 + 1)
        tapered = waves * np.hanning(filters.window + 1)[:-1, None]
        both = np.concatenate([tapered.real, tapered.imag], 1).T[:, None]
        self.register_buffer("waves", torch.from_numpy(both.astype(np.float32)))
        self.register_buffer("banks", torch.from_numpy(audio.mel_filters(filters)))
        self.register_buffer("ones", torch.ones(1, 1, filters.window))

    def forward(self, samples: Tensor) -> Tensor:
        behind = F.pad(samples, (1, 0))[:-1]
        emphasized = (samples - self.filters.emphasis * behind)[None, None]
        step = self.filters.step
        real, imaginary = F.conv1d(emphasized, self.waves, stride=step)[0].chunk(2)
        found = [(real**2 + imaginary**2).T @ self.banks]
        if self.filters.energy:
            found.append(F.conv1d(emphasized**2, self.ones, stride=step)[0].T)
        return torch.cat(found, 1).clamp_min(FLOOR).log()


def normalized(features: Tensor) -> Tensor:
    """Each column of (T, D) with mean 0 and variance 1."""
    centered = features - features.mean(0)
    return centered / (centered**2).mean(0).sqrt().clamp_min(1e-5)


def deltas(features: Tensor) -> Tensor:
    """(T, D) with their first and second differences: (T, 3 * D)."""
    parts = [features]
    weights = [k / sum(j * j for j in range(-REACH, REACH + 1)) for k in range(-REACH, REACH + 1)]
    for _ in range(CHANNELS - 1):
        shifted = around(parts[-1], REACH)
        terms = [weight * each for weight, each in zip(weights, shifted, strict=True)]
        parts.append(torch.stack(terms).sum(0))
    return torch.cat(parts, 1)


def around(features: Tensor, reach: int) -> list[Tensor]:
    """(T, D) as it is up to `reach` frames earlier and later; the first and the last frame stand
    for what is beyond."""
    first, last = (each.expand(reach, -1) for each in (features[:1], features[-1:]))
    padded = torch.cat([first, features, last])
    frames = features.shape[0]
    return [padded[k : k + frames] for k in range(2 * reach + 1)]


class Sections(nn.Module):
    """`LimitedSharing` as one convolution for each section, which takes less memory where all
    frames of a recording are computed at once."""

    def __init__(self, layer: LimitedSharing):
        super().__init__()
        self.pool, self.shift, self.width = layer.pool, layer.shift, layer.width
        maps = layer.weight.shape[2]
        weight = layer.weight.detach().transpose(1, 2)
        self.weight = nn.Parameter(weight.reshape(len(weight), maps, -1, layer.width))
        self.bias = nn.Parameter(layer.bias.detach()[:, 0])

    def forward(self, features: Tensor) -> Tensor:
        seen = self.pool + self.width - 1
        parts = [
            F.conv1d(features[:, :, k * self.shift : k * self.shift + seen], weight, bias).amax(2)
            for k, (weight, bias) in enumerate(zip(self.weight, self.bias, strict=True))
        ]
        return torch.stack(parts, 2)


class WholeNetwork(nn.Module):
    """Samples to scores and loudness, by a network."""

    shift: Tensor
    spread: Tensor
    priors: Tensor

    def __init__(self, recognizer: "NetworkRecognizer"):
        super().__init__()
        self.features = Features(recognizer.filters)
        self.model = deepcopy(recognizer.model).cpu()
        for name, layer in list(self.model.named_children()):
            if isinstance(layer, LimitedSharing):
                setattr(self.model, name, Sections(layer))
        self.register_buffer("shift", recognizer.shift)
        self.register_buffer("spread", recognizer.spread)
        self.register_buffer("priors", recognizer.priors)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        found = self.features(samples)
        standard = (deltas(normalized(found)) - self.shift) / self.spread
        windows = torch.stack(around(standard, CONTEXT), 1).unflatten(2, (CHANNELS, -1))
        return self.model(windows).log_softmax(1) - self.priors, found[:, -1]


class WholeMixtures(nn.Module):
    """Samples to scores and loudness, by mixtures."""

    factors: Tensor
    constant: Tensor
    cosines: Tensor

    def __init__(self, recognizer: "MixtureRecognizer"):
        super().__init__()
        self.features = Features(recognizer.filters)
        factors, constant = recognizer.mixtures.linear
        self.shape = recognizer.mixtures.weights.shape
        self.register_buffer("factors", torch.from_numpy(factors))
        self.register_buffer("constant", torch.from_numpy(constant))
        self.register_buffer(
            "cosines", torch.from_numpy(cosines(recognizer.filters.bands, CEPSTRA))
        )

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        found = self.features(samples)
        cepstra = found[:, : len(self.cosines)] @ self.cosines
        frames = normalized(deltas(cepstra))
        joint = torch.cat([frames, frames**2], 1) @ self.factors + self.constant
        return joint.unflatten(1, self.shape).logsumexp(2), found[:, -1]


def graph_of(recognizer: "Recognizing", module: nn.Module) -> Graph:
    """The graph, and what other runtimes need to know to find words by it."""
    metadata = {name: each.tolist() for name, each in recognizer.searched().items()}
    beside = {"about": DECODING, "pause": hmm.PAUSE, **recognizer.header(), **metadata}
    return Graph(
        module.eval(),
        examples=(torch.zeros(8000),),
        shapes={"samples": {0: "N"}},
        least={"N": recognizer.filters.window + recognizer.filters.step},  # two frames
        outputs=("scores", "loudness"),
        about=ABOUT,
        metadata=metadata,
        beside={BESIDE: json.dumps(beside, indent=1) + "\n"},
    )


def tensors_of(header: dict[str, Any]) -> dict[str, Tensor]:
    """What `Recognizing.searched` gives, of the values that stand in an exported file.

    Raises:
        LookupError, TypeError, ValueError: if they are none.
    """
    return {
        name: torch.tensor(header[name], dtype=dtype) for name, dtype in grammars.SEARCHED.items()
    }
