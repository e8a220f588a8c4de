"""The players by the names of their methods, for learning and for files."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import nn

from striate.errors import ModelError
from striate.models.adversarial import Players, perceptrons
from striate.models.dcgan import dcgan


class Form(NamedTuple):
    """How players are built, and what values their pixels have."""

    build: Callable[..., Players]
    low: float
    high: float = 1.0


FORMS: Mapping[str, Form] = {"gan": Form(perceptrons, 0.0), "dcgan": Form(dcgan, -1.0)}
MOST = 2**14  # of any size in a file


def players(
    form: str, side: int, channels: int, *, noise: int, width: int, classes: int
) -> Players:
    """The players of a method.

    Raises:
        ModelError: if there are none of that size.
    """
    if not all(0 < size <= MOST for size in (side, channels, noise, width)) or not (
        0 <= classes <= MOST
    ):
        raise ModelError(f"sizes are from 1 to {MOST}, not {(side, noise, width, classes)}")
    return FORMS[form].build(side, channels, noise=noise, width=width, classes=classes)


def generator(
    form: str, side: int, channels: int, *, noise: int, width: int, classes: int
) -> nn.Module:
    """The one of them that makes pictures."""
    return players(form, side, channels, noise=noise, width=width, classes=classes).generator
