"""Every network that finds points by name, built from plain values: what a file's header holds."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from striate.models.heat_maps import Deconvolved, DeepRidge, HOGRidge, UNetMaps

BUILDERS: Mapping[str, Callable[..., nn.Module]] = {
    "hog_ridge": HOGRidge,
    "deep_ridge": DeepRidge,
    "unet": UNetMaps,
    "deconvolved": Deconvolved,
}
MOST = 4096  # of any number in an architecture: sizes, widths


def network(architecture: Mapping[str, Any], parts: int) -> nn.Module:
    """The network that a header describes, with fresh weights.

    Args:
        architecture: "network", a key of BUILDERS, and options of its builder.

    Raises:
        TypeError, LookupError, ValueError: if it is not of that form.
    """
    options = dict(architecture)
    for name, value in options.items():
        if type(value) is int and not 0 < value <= MOST:
            raise ValueError(f"its network has {name} {value}")
    return BUILDERS[options.pop("network")](parts, **options)
