"""Boltzmann machines as generators: a single one, or a deep belief net (Hinton et al. 2006).

A picture is where a chain of Gibbs sampling in the topmost machine has come to, shown layer by
layer. The chain begins where a vector of noise says, and draws all else from a seed that the vector
is turned into, so that a vector has one picture.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import ModelError
from striate.inference import device_of
from striate.inference.program import Graph
from striate.models import Normalization
from striate.models.dbn import DBN
from striate.models.skeletons import skeleton, undrawn
from striate.tasks.generation.answers import Pixels
from striate.tasks.generation.sampler import FromNoise, check_prior
from striate.tasks.pictures.predictor import same_kinds, whole

MOST_STEPS = 100_000


@dataclass(eq=False, kw_only=True)
class Belief(FromNoise):
    """Uniform noise in [0, 1) to pictures.

    Attributes:
        network: with as many labels as classes are told.
        normalization: of the pixels that it generates.
        steps: of Gibbs sampling, for a picture.
    """

    kind: ClassVar[str] = "belief"
    network: DBN
    normalization: Normalization
    steps: int
    told: tuple[str, ...]
    prior: NDArray[np.float64]

    def __post_init__(self) -> None:
        self.channels, self.size, _ = self.network.shape
        self.noise = self.network.top.weight.shape[1] - len(self.told)

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in self.network.state_dict().values())

    def drawn(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        return random.random((count, self.noise), np.float32)

    def made(self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None) -> Pixels:
        net, top, device = self.network, self.network.top, device_of(self.network)
        draw = Draw(vectors, labels)
        held = None
        if labels is not None:
            held = F.one_hot(torch.from_numpy(labels), top.labels).float().to(device)
        with torch.no_grad():
            begun = top.dreamed(torch.zeros(len(vectors), len(top.hidden_bias), device=device))
            noise = torch.from_numpy(vectors).to(device)
            rest = begun[:, : self.noise]
            seen = rest + noise - 0.5 if top.gaussian else (rest > noise).float()
            visible = seen if held is None else torch.cat([seen, held], 1)
            means = visible
            for _ in range(self.steps):
                means = top.dreamed(draw.states(top(visible)))
                rest = means[:, : self.noise]
                seen = draw.normal(rest) if top.gaussian else draw.states(rest)
                visible = seen if held is None else torch.cat([seen, held], 1)
            found = means if not net.lower else visible
            found = found[:, : self.noise]
            for place, layer in reversed(list(enumerate(net.layers()))):
                found = layer.down(found)
                if place:
                    found = draw.states(found)
        return self._pixels(found.unflatten(1, net.shape))

    def _pixels(self, values: Tensor) -> Pixels:
        """(N, S, S, C) uint8."""
        mean, std = (
            torch.tensor(each) for each in (self.normalization.mean, self.normalization.std)
        )
        levels = values.cpu() * std[:, None, None] + mean[:, None, None]
        found: Pixels = levels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return np.ascontiguousarray(found)

    def to(self, device: str) -> None:
        self.network.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        raise ModelError(
            "a belief net draws its pictures by a chain of random states, which is not a graph to "
            "export; keep its .safetensors file, or export another method's"
        )

    def tensors(self) -> dict[str, Tensor]:
        state = {name: one.cpu() for name, one in self.network.state_dict().items()}
        return {f"network.{name}": one for name, one in state.items()} | {
            "prior": torch.from_numpy(self.prior)
        }

    def header(self) -> dict[str, Any]:
        net = self.network
        widths = [len(layer.up_bias) for layer in net.layers()] + [len(net.top.hidden_bias)]
        first = net.layers()[0] if net.lower else net.top
        return {
            "shape": list(net.shape), "hidden": widths, "gaussian": first.gaussian,
            "normalization": self.normalization.to_json(), "steps": self.steps,
            "told": list(self.told),
        }  # fmt: skip

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        told = tuple(map(str, header["told"]))
        if told not in ((), names):
            raise ValueError("its classes are not its names")
        channels, height, width = map(whole, header["shape"])
        steps = whole(header["steps"])
        if height != width or channels not in (1, 3) or not 1 <= steps <= MOST_STEPS:
            raise ValueError("it makes no pictures of that shape, or in so many steps")
        state = dict(tensors)
        prior = state.pop("prior").numpy()
        check_prior(prior, told)
        shape = (channels, height, width)
        hidden = [whole(units) for units in header["hidden"]]
        gaussian = header["gaussian"] is True
        with skeleton():
            expected = DBN(shape, hidden, labels=len(told), gaussian=gaussian).state_dict()
        same_kinds({f"network.{name}": one for name, one in expected.items()}, state)
        with undrawn():
            network = DBN(shape, hidden, labels=len(told), gaussian=gaussian)
        network.load_state_dict({k.removeprefix("network."): one for k, one in state.items()})
        return cls(
            network=network.eval(), told=told, prior=prior.astype(np.float64), steps=steps,
            normalization=Normalization.from_json(header["normalization"], channels=channels),
        )  # fmt: skip


class Draw:
    """Random numbers of each row's own, from its vector (Z,) and its class."""

    def __init__(self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None):
        numbers = [0] * len(vectors) if labels is None else labels.tolist()
        self.rows = [
            np.random.default_rng([*hashlib.sha256(vector.tobytes()).digest(), number])
            for vector, number in zip(vectors, numbers, strict=True)
        ]

    def states(self, means: Tensor) -> Tensor:
        """0 or 1 with these probabilities (N, D)."""
        uniform = np.stack([row.random(means.shape[1], np.float32) for row in self.rows])
        return (means > torch.from_numpy(uniform).to(means.device)).float()

    def normal(self, means: Tensor) -> Tensor:
        """Numbers (N, D) of variance 1 about these means."""
        noise = np.stack([row.standard_normal(means.shape[1], np.float32) for row in self.rows])
        return means + torch.from_numpy(noise).to(means.device)
