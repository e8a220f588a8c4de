"""YOLO as a predictor."""

from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from striate.models.yolo import CELLS, yolo
from striate.tasks.detection.networks import NetworkPredictor
from striate.tasks.detection.scaling import MAX_SIDE

# What a file may ask for at most.
LIMITS = {"grid": MAX_SIDE // CELLS[0], "boxes": 64, "side": MAX_SIDE, "width": 8192}


class YOLOPredictor(NetworkPredictor):
    """`architecture`: backbone, grid, boxes, side, connected and width of `yolo`."""

    kind: ClassVar[str] = "yolo"

    @staticmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        values = dict(architecture)
        backbone, connected = values.pop("backbone"), values.pop("connected")
        if not isinstance(backbone, str) or values.keys() != LIMITS.keys():
            raise ValueError(f"it names a backbone {backbone!r} with {sorted(values)}")
        if type(connected) is not bool:
            raise ValueError(f"its connected is {connected!r}")
        for name, most in LIMITS.items():
            value = values[name]
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"its {name} is {value!r}")
        model = yolo(backbone, classes=classes, connected=connected, **values)
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        predictor = super().restored(tensors, header, names)
        side = predictor.architecture["side"]
        if not predictor.scaling.stretched or predictor.scaling.side != side:
            raise ValueError(f"its pictures are not stretched to {side} x {side} pixels")
        return predictor
