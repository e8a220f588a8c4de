"""A generator as one graph, from noise to pixels, and such a graph run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import WeightsError
from striate.inference.program import Graph
from striate.models import folded
from striate.tasks.contract import ExportedPredictor
from striate.tasks.generation.answers import Answer, Pixels
from striate.tasks.generation.generator import pixels_of
from striate.tasks.generation.networks import FORMS
from striate.tasks.generation.noise import Noise
from striate.tasks.generation.sampler import Walked, linear
from striate.tasks.pictures.predictor import whole

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.generation.generator import Generator

ABOUT = {
    "noise": "(N, {noise}) float32, uniform in [-1, 1]",
    "class": "(N,) int64, the number of the class that is wanted",
    "image": "(N, {side}, {side}, 3) uint8, RGB",
}


class Whole(nn.Module):
    """Noise (N, Z), and numbers (N,) of classes where there are some, to pictures (N, S, S, 3)."""

    def __init__(self, predictor: "Generator"):
        super().__init__()
        self.network = folded(predictor.network).cpu().eval()
        self.low, self.channels = FORMS[predictor.form].low, predictor.channels

    def forward(self, noise: Tensor, number: Tensor | None = None) -> Tensor:
        values = self.network(noise) if number is None else self.network(noise, number)
        pixels = pixels_of(values, self.low)
        return pixels if self.channels == 3 else torch.cat([pixels] * 3, 3)


def graph_of(predictor: "Generator") -> Graph:
    """The graph, and what other runtimes need to know of it."""
    noise = torch.zeros(2, predictor.noise)
    examples = (noise, torch.zeros(2, dtype=torch.int64)) if predictor.told else (noise,)
    inputs = ("noise", "class")[: len(examples)]
    sizes = {"noise": predictor.noise, "side": predictor.size}
    return Graph(
        Whole(predictor).eval(),
        examples=examples,
        shapes={name: {0: "N"} for name in inputs},
        outputs=("image",),
        about={name: ABOUT[name].format(**sizes) for name in (*inputs, "image")},
        metadata={"prior": predictor.prior.tolist()},
    )


class ExportedGenerator(ExportedPredictor, Walked):
    """The graph in an exported file."""

    def __init__(self, runtime: "Runtime", about: Mapping[str, Any], names: tuple[str, ...]):
        from striate.inference.runtimes import Port

        super().__init__(runtime)
        self.size, self.channels = whole(about["side"]), 3
        self.noise, self.told = whole(about["noise"]), tuple(map(str, about["told"]))
        self.prior = np.array(about["prior"], np.float64)
        if self.told not in ((), names) or self.prior.shape != (len(self.told),):
            raise ValueError("its classes are not its names")
        wanted = {"noise": Port("float32", (None, self.noise))}
        if self.told:
            wanted["class"] = Port("int64", (None,))
        runtime.require(wanted, {"image": Port("uint8", (None, self.size, self.size, 3))})

    def inputs(self, prepared: Noise) -> dict[str, NDArray[Any]]:
        label = [prepared.label or 0] if self.told else None
        return self._given(prepared.vector[None], None if label is None else np.array(label))

    def _given(
        self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None
    ) -> dict[str, NDArray[Any]]:
        told = {} if labels is None else {"class": labels}
        return {"noise": vectors, **told}

    def made(self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None) -> Pixels:
        found = self.runtime.run(self._given(vectors, labels))["image"]
        if found.shape != (len(vectors), self.size, self.size, 3):
            raise WeightsError(f"{self.runtime.path} answers with other pictures than it promises")
        return found

    def predict(self, batch: Sequence[Noise]) -> list[Answer]:
        """
        Raises:
            WeightsError: if the graph fails, or gives other pictures than it promises.
        """
        return Walked.predict(self, batch)

    def drawn(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        return random.uniform(-1, 1, (count, self.noise)).astype(np.float32)

    def between(
        self, first: NDArray[np.float32], last: NDArray[np.float32], shares: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        return linear(first, last, shares)
