"""A network from noise to pictures: what is kept of the two players."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.inference import device_of, evaluating
from striate.inference.program import Graph
from striate.models.skeletons import skeleton, undrawn
from striate.tasks.generation.answers import Pixels
from striate.tasks.generation.networks import FORMS, generator
from striate.tasks.generation.sampler import Walked, check_prior, linear
from striate.tasks.pictures.predictor import same_kinds, whole

FILM = "film"


@dataclass(eq=False, kw_only=True)
class Generator(Walked):
    """Uniform noise in [-1, 1] to pictures.

    Attributes:
        network: noise (N, Z), and numbers (N,) of classes, to pictures (N, C, S, S) in the range of
            its form.
        form: how it is built: "gan", "dcgan".
        film: (frames, K, S, S, C) uint8, pictures of the same noises while it learned.
        epochs: (frames,) when each of those was made.
    """

    kind: ClassVar[str] = "generator"
    network: nn.Module
    form: str
    size: int
    channels: int
    noise: int
    width: int
    told: tuple[str, ...] = ()
    prior: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    film: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 1, 1, 1), np.uint8))
    epochs: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in self.network.state_dict().values())

    def drawn(self, random: np.random.Generator, count: int) -> NDArray[np.float32]:
        return random.uniform(-1, 1, (count, self.noise)).astype(np.float32)

    def between(
        self, first: NDArray[np.float32], last: NDArray[np.float32], shares: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """On the straight way: it stays in the cube that noise is drawn from."""
        return linear(first, last, shares)

    def made(self, vectors: NDArray[np.float32], labels: NDArray[np.int64] | None) -> Pixels:
        device = device_of(self.network)
        told = () if labels is None else (torch.from_numpy(labels).to(device),)
        with evaluating(self.network):
            values = self.network(torch.from_numpy(vectors).to(device), *told)
            found: Pixels = pixels_of(values, FORMS[self.form].low).cpu().numpy()
        return found

    def to(self, device: str) -> None:
        self.network.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.generation.exported import graph_of

        return graph_of(self)

    def tensors(self) -> dict[str, Tensor]:
        state = {name: tensor.cpu() for name, tensor in self.network.state_dict().items()}
        told = {
            "prior": torch.from_numpy(self.prior),
            FILM: torch.from_numpy(self.film),
            "epochs": torch.from_numpy(self.epochs),
        }
        return {f"network.{name}": tensor for name, tensor in state.items()} | told

    def header(self) -> dict[str, Any]:
        return {
            "form": self.form, "side": self.size, "channels": self.channels, "noise": self.noise,
            "width": self.width, "told": list(self.told),
        }  # fmt: skip

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        form = header["form"]
        if form not in FORMS:
            raise ValueError(f"it is a generator of form {form!r}")
        told = tuple(map(str, header["told"]))
        if told not in ((), names):
            raise ValueError("its classes are not its names")
        side, channels, noise, width = (
            whole(header[key]) for key in ("side", "channels", "noise", "width")
        )
        sizes = {"noise": noise, "width": width, "classes": len(told)}
        state = dict(tensors)
        prior, film, epochs = (state.pop(name).numpy() for name in ("prior", FILM, "epochs"))
        check_prior(prior, told)
        if (
            film.ndim != 5
            or film.shape[0] != len(epochs)
            or (len(film) and film.shape[2:] != (side, side, channels))
        ):
            raise ValueError("its film is of other pictures")
        with skeleton():
            expected = generator(form, side, channels, **sizes).state_dict()
        same_kinds({f"network.{name}": one for name, one in expected.items()}, state)
        with undrawn():
            network = generator(form, side, channels, **sizes)
        network.load_state_dict(
            {name.removeprefix("network."): tensor for name, tensor in state.items()}
        )
        return cls(
            network=network.eval(), form=form, size=side, channels=channels, noise=noise,
            width=width, told=told, prior=prior.astype(np.float64),
            film=film.astype(np.uint8), epochs=epochs.astype(np.int64),
        )  # fmt: skip


def pixels_of(values: Tensor, low: float) -> Tensor:
    """(N, S, S, C) uint8 of pictures (N, C, S, S) with values from `low` to 1."""
    scaled = (values - low) * (255 / (1 - low))
    return scaled.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def values_of(pixels: Tensor, low: float) -> Tensor:
    """(N, C, S, S) from `low` to 1 of pixels (N, C, S, S) uint8."""
    return pixels.float() * ((1 - low) / 255) + low
