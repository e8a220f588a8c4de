"""A network that answers: preprocessing, devices, engines, outputs, exported programs."""

import sys

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

# Where this package is installed, OpenVINO reports over the network that it was imported and what
# it converted, each time from a copy of the whole process; without it, it does not.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
