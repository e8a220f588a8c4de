"""Two players as a learning problem: rounds of pictures and noise, and how near samples come."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.batches import Batches
from striate.inference import device_of, evaluating
from striate.models.adversarial import GeneratorLoss, Players
from striate.tasks.generation.generator import pixels_of, values_of
from striate.tasks.generation.scores import Reference
from striate.training import Objective, Problem, Recipe, group
from striate.training.adversarial import Game, Round
from striate.training.optimizers import optimizer_for, schedule_for
from striate.training.precision import in_precision
from striate.training.seeds import generator_for

CPU = torch.device("cpu")
AT_ONCE = 64
PATIENCE = 500  # steps in a row without any doubt of the discriminator's, after which nothing comes
FRAMES, SHOWN = 16, 16  # of the film, and pictures in each


class Pictures(NamedTuple):
    """A set as the players see it.

    Attributes:
        pixels: (N, S, S, C) training pictures.
        numbers: (N,) their classes; () where those are not told.
        held: validation pictures, as the judge sees them.
    """

    dataset: Dataset[Any]
    pixels: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    held: Reference


class Filmed(Players):
    """Players that keep what they made on the way: it goes with their weights into every
    checkpoint.

    Args:
        shape: (S, S, C) of a picture.
        frames: of the film.

    Attributes:
        film: (frames, SHOWN, S, S, C) uint8.
        epochs: (frames,) when each was made; 0 where it is not yet.
        looks: evaluations so far.
    """

    def __init__(self, players: Players, shape: tuple[int, ...], frames: int):
        super().__init__(players.generator, players.discriminator)
        self.register_buffer("film", torch.zeros(frames, SHOWN, *shape, dtype=torch.uint8))
        self.register_buffer("epochs", torch.zeros(frames, dtype=torch.int64))
        self.register_buffer("looks", torch.zeros((), dtype=torch.int64))
        self.film: Tensor
        self.epochs: Tensor
        self.looks: Tensor


def frames_of(epochs: int) -> list[int]:
    """The evaluations after which a frame of the film is made.

    >>> frames_of(3), len(frames_of(100))
    ([1, 2, 3], 16)
    """
    return np.linspace(1, epochs, min(epochs, FRAMES)).round().astype(int).tolist()


class Adversaries(Problem[Pictures, Round]):
    """A game of two players (Goodfellow et al. 2014); an epoch is judged by the Fréchet distance of
    as many samples as there are validation pictures.

    Args:
        noise: numbers of a vector.
        low: of the values of pixels; the largest is 1.
        epochs: that learning takes at most, over which the frames of its film are spread.
    """

    score = "place"  # the task's score, where one beyond noise is still better than another

    def __init__(
        self, players: Filmed, *, noise: int, low: float, loss: GeneratorLoss, classes: int,
        epochs: int,
    ):  # fmt: skip
        self.players, self.noise, self.low, self.loss = players, noise, low, loss
        self.classes = classes
        self.frames = frames_of(epochs)

    def prepare(self, data: Pictures) -> Pictures:
        return data

    def examples(self, data: Pictures) -> int:
        return len(data.pixels)

    def batches(
        self, data: Pictures, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Round]:
        """Ends with the epoch in which the discriminator has won for good."""
        targets = data.numbers if self.classes else np.zeros(len(data.pixels), np.int64)
        some = Batches(
            data.pixels, targets, rows=np.arange(len(data.pixels)), size=recipe.batch_size,
            seed=seed, start=start,
        )  # fmt: skip
        for step, batch in enumerate(some, start):
            if step and not step % some.steps_per_epoch and group.agreed(self.lost):
                return
            noise = torch.rand(len(batch.images), self.noise, generator=generator_for(seed, step))
            yield Round(
                values_of(batch.images.to(device), self.low).contiguous(
                    memory_format=torch.channels_last
                ),
                (2 * noise - 1).to(device),
                batch.targets.to(device) if self.classes else None,
            )

    @property
    def lost(self) -> bool:
        """Whether the discriminator is so sure for so long that the generator learns nothing."""
        return int(self.players.beaten) >= PATIENCE

    def losses(self, model: nn.Module, batch: Round, recipe: Recipe) -> dict[str, Tensor]:
        game = Game(self.players, loss=self.loss, smoothing=recipe.label_smoothing)
        return {**game.discriminator(batch), **game.generator(batch)}

    def objectives(
        self, model: nn.Module, recipe: Recipe, steps: int
    ) -> Sequence[Objective[Round]]:
        players = self.players
        sides = (players.discriminator, players.generator)
        optimizers = [optimizer_for(one, recipe, new=one.parameters()) for one in sides]
        schedules = [schedule_for(one, recipe, steps) for one in optimizers]
        game = Game(players, loss=self.loss, smoothing=recipe.label_smoothing)
        return game.objectives(
            (optimizers[0], optimizers[1]), (schedules[0], schedules[1]),
            around=lambda losses: in_precision(recipe.precision, losses, players),
            clip=recipe.clip, parts=recipe.parts,
        )  # fmt: skip

    def evaluate(self, model: nn.Module, data: Pictures) -> dict[str, float]:
        held = data.held
        made = self.made(len(held.pixels), data, seed=1)
        distance = held.distance(held.judge.features(made))
        real, fake = self.players.pulse.tolist()
        self._film(data)
        return {
            "place": float(held.place(distance)),
            "closeness": float(held.closeness(distance)), "frechet": distance,
            "on_data": real, "on_samples": fake,
        }  # fmt: skip

    def made(self, count: int, data: Pictures, *, seed: int) -> NDArray[np.uint8]:
        """(count, S, S, C) samples, the same noises at every call; classes in their order, each as
        often as it occurs."""
        network = self.players.generator
        device = device_of(network)
        generator = generator_for(seed)
        noise = 2 * torch.rand(count, self.noise, generator=generator) - 1
        told = None
        if self.classes:
            places = np.linspace(0, len(data.numbers) - 1, count).round().astype(int)
            told = torch.from_numpy(np.sort(data.numbers)[places])
        parts = []
        with evaluating(network):
            for place in range(0, count, AT_ONCE):
                part = slice(place, place + AT_ONCE)
                classes = () if told is None else (told[part].to(device),)
                parts.append(pixels_of(network(noise[part].to(device), *classes), self.low).cpu())
        return torch.cat(parts).numpy()

    def _film(self, data: Pictures) -> None:
        """Adds a frame where one is due."""
        players = self.players
        players.looks += 1
        if (look := int(players.looks)) in self.frames:
            frame = self.frames.index(look)
            players.film[frame] = torch.from_numpy(self.made(SHOWN, data, seed=2))
            players.epochs[frame] = look

    def identity(self, data: Pictures) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "shape": list(data.pixels.shape[1:]),
            "noise": self.noise, "loss": self.loss, "classes": self.classes,
        }  # fmt: skip
