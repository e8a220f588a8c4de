"""A network that can be looked into, and pictures as it is given them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate import images as pictures
from striate.errors import ImageError, UserError
from striate.inference import Preprocessing, evaluating
from striate.progress import track
from striate.visualize.reading import Probabilities, answer, placed

Place = str | os.PathLike[str]


@dataclass(frozen=True)
class Inside:
    """A network that can be looked into.

    Attributes:
        model: images (N, C, S, S), preprocessed, to logits (N, classes).
        names: of its classes.
        to_probabilities: logits (N, classes) to probabilities.
    """

    model: nn.Module
    preprocessing: Preprocessing
    names: tuple[str, ...]
    to_probabilities: Probabilities

    def read(self, place: Place) -> NDArray[np.uint8]:
        """A picture as the network is given it: (S, S, C) uint8.

        Raises:
            ImageError: if it cannot be read; with its path.
        """
        try:
            return pictures.render(pictures.load(place), [self.preprocessing.view])[0]
        except ImageError as error:
            raise ImageError(f"{os.fspath(place)}: {error}") from error

    def probabilities(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(classes,) of one picture (S, S, C)."""
        images = self.preprocessing.tensor(pixels[None])
        with evaluating(self.model):
            logits = answer(self.model, placed(self.model, images))
        return self.to_probabilities(logits.cpu().float())[0].numpy()

    def name(self, number: int) -> str:
        """A class by its number."""
        return self.names[number] if number < len(self.names) else str(number)


@dataclass
class Readable:
    """Pictures that are read when they are asked for; the broken ones are left out."""

    network: Inside
    every: Sequence[Place]
    places: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for place in track(self.every, "read"):
            try:
                self.network.read(place)
            except ImageError as error:
                self.broken.append(str(error))
            else:
                self.places.append(os.fspath(place))
        if not self.places:
            raise UserError(f"none of {len(self.every)} pictures can be read ({self.broken[0]})")

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int) -> Tensor:
        pixels = self.network.read(self.places[number])
        return self.network.preprocessing.tensor(pixels[None])[0]
