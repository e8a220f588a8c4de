"""Faster R-CNN as a predictor."""

import math
from typing import Any, ClassVar

import torch
from torch import nn

from striate.models.faster_rcnn import faster_rcnn
from striate.models.regions import Settings
from striate.tasks.detection.networks import NetworkPredictor

FORM = {"pyramid", "width", "hidden", "smallest"}  # beside backbone and settings
WIDEST, MOST_SHAPES, MOST_REGIONS = 8192, 64, 100_000  # what a file may ask for at most


class FasterRCNNPredictor(NetworkPredictor):
    """`architecture`: backbone, pyramid, width, hidden, smallest and settings of `faster_rcnn`."""

    kind: ClassVar[str] = "faster_rcnn"

    @staticmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        values = dict(architecture)
        backbone, settings = values.pop("backbone"), settings_from(values.pop("settings"))
        if not isinstance(backbone, str) or values.keys() != FORM:
            raise ValueError(f"it names a backbone {backbone!r} with {sorted(values)}")
        if type(values["pyramid"]) is not bool:
            raise ValueError(f"its pyramid is {values['pyramid']!r}")
        for name in ("width", "hidden"):
            if type(values[name]) is not int or not 1 <= values[name] <= WIDEST:
                raise ValueError(f"its {name} is {values[name]!r}")
        values["smallest"] = lengths(values["smallest"])
        model = faster_rcnn(backbone, classes=classes, settings=settings, **values)
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def settings_from(values: dict[str, Any]) -> Settings:
    """The settings that `dataclasses.asdict` gave, after JSON.

    Raises:
        TypeError, LookupError, ValueError: if they are not of that form.
    """
    plain = Settings()
    if not isinstance(values, dict) or values.keys() != vars(plain).keys():
        raise ValueError("its settings are not those of Faster R-CNN")
    made: dict[str, Any] = {}
    for name, usual in vars(plain).items():
        value = values[name]
        if isinstance(usual, tuple):
            made[name] = lengths(value)
        elif isinstance(usual, float):
            if type(value) not in (int, float) or not 0 <= value <= 1:
                raise ValueError(f"its {name} is {value!r}")
            made[name] = float(value)
        else:
            if type(value) is not int or not 1 <= value <= MOST_REGIONS:
                raise ValueError(f"its {name} is {value!r}")
            made[name] = value
    return Settings(**made)


def lengths(values: Any) -> tuple[float, ...]:
    """Sizes or ratios of anchors in a file.

    Raises:
        ValueError: if they are not a list of positive numbers.
    """
    if not isinstance(values, list | tuple) or not 1 <= len(values) <= MOST_SHAPES:
        raise ValueError(f"its anchors are {values!r}")
    if not all(type(each) in (int, float) and 0 < each < math.inf for each in values):
        raise ValueError(f"its anchors are {values!r}")
    return tuple(float(each) for each in values)
