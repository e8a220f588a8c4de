"""A network that answers: preprocessing, devices, engines, outputs, exported programs."""

from striate.inference.devices import device_named, device_of, fastest_device, on_device
from striate.inference.modes import evaluating
from striate.inference.outputs import outputs_of
from striate.inference.preprocessing import Preprocessing

__all__ = [
    "Preprocessing",
    "device_named",
    "device_of",
    "evaluating",
    "fastest_device",
    "on_device",
    "outputs_of",
]
