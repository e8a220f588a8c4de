"""Every segmenting network by name, built from plain values: what a file's header holds."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from torch import nn

from striate.handcrafted.filter_bank import FilterBankSegmenter
from striate.models.deeplab import deeplab
from striate.models.fcn import fcn
from striate.models.frrn import FRRN
from striate.models.hypercolumns import Hypercolumns
from striate.models.segnet import SegNet
from striate.models.unet import UNet
from striate.models.weldon_maps import weldon_maps


def _frrn(table: str, classes: int, **options: Any) -> FRRN:
    return FRRN(table, classes, **options)


BUILDERS: Mapping[str, Callable[..., nn.Module]] = {
    "filter_bank": FilterBankSegmenter,
    "hypercolumns": Hypercolumns,
    "unet": UNet,
    "segnet": SegNet,
    "frrn_a": partial(_frrn, "A"),
    "frrn_b": partial(_frrn, "B"),
    "fcn": fcn,
    "deeplab": deeplab,
    "weldon": weldon_maps,
}


def network(architecture: Mapping[str, Any], classes: int) -> nn.Module:
    """The network that a header describes, with fresh weights.

    Args:
        architecture: "network", a key of BUILDERS, and options of its builder.

    Raises:
        TypeError, LookupError, ValueError: if it is not of that form.
    """
    options = dict(architecture)
    return BUILDERS[options.pop("network")](classes, **options)
