"""The ways to learn segmentation."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from striate.data import Dataset, Decoded, Masks
from striate.models.backbone import NetworksWith
from striate.models.fcn import STRIDES
from striate.models.hypercolumns import STRIDES as HYPERCOLUMNS
from striate.tasks.backbones import find_weights
from striate.tasks.contract import Approach, Ask, Learned, Method
from striate.tasks.segmentation import finetune, pixelwise, unet, weldon
from striate.tasks.segmentation.pictures import with_masks

Learn = Callable[[Dataset[Masks], Ask], Learned]


def on_pictures(learn: Learn, *, unmarked: bool = False) -> Callable[[Decoded, Ask], Learned]:
    """From prepared data: these methods read the pictures of its dataset by themselves.

    Args:
        unmarked: whether training pictures without mask are learned from, too.
    """

    def learned(data: Decoded, ask: Ask) -> Learned:
        if unmarked:
            return learn(data.dataset, ask)
        some = with_masks(data.dataset)
        bare = len(some.left_out) - len(data.dataset.left_out)
        found = learn(some, ask)
        if not bare:
            return found
        return replace(found, notes=(*found.notes, f"{bare} training pictures without mask unused"))

    return learned


def scratch(title: str, **options: Any) -> Method:
    """A network that starts from random weights and has no backbone."""
    learn = partial(unet.learn, **options)
    return Method(title, "scratch", on_pictures(learn), by_epochs=True)


def finetuned(title: str, **options: Any) -> Method:
    """A network on a pretrained backbone."""
    learn = partial(finetune.learn, **options)
    return Method(
        title,
        "finetune",
        on_pictures(learn, unmarked=options.get("points", False)),
        networks=NetworksWith(*STRIDES, first=finetune.NETWORK),
        by_epochs=True,
        find=partial(find_weights, finetune.NETWORK),
    )


# A map of stride 8 takes five times the time: smaller windows, fewer of them.
DEEPLAB: dict[str, Any] = {"network": "deeplab", "hidden": 256, "window": 224, "epoch": 75}


def labeled(title: str, approach: Approach, learn: Learn, *, by_epochs: bool = False) -> Method:
    """From labels of whole pictures, on a pretrained network."""
    return Method(
        title,
        approach,
        on_pictures(learn, unmarked=True),
        networks=NetworksWith(*STRIDES, first=weldon.NETWORK),
        by_epochs=by_epochs,
        find=partial(find_weights, weldon.NETWORK),
    )


METHODS: dict[str, Method] = {
    "filter_bank": Method("Filter bank", "handcrafted", on_pictures(pixelwise.learn_filter_bank)),
    "hypercolumns": Method(
        "Hypercolumns",
        "transfer",
        on_pictures(pixelwise.learn_hypercolumns),
        networks=NetworksWith(*HYPERCOLUMNS, first=finetune.NETWORK),
        find=partial(find_weights, finetune.NETWORK),
    ),
    "unet": scratch("U-Net"),
    "fcn8s": finetuned("FCN-8s", network="fcn"),
    "deeplab": finetuned("DeepLab", **DEEPLAB),
    "deeplab_crf": finetuned("DeepLab with CRF", **DEEPLAB, crf=True),
    "fcn8s_points": finetuned("FCN-8s from points", network="fcn", points=True),
    "fcn8s_points_crf": finetuned(
        "FCN-8s from points with CRF", network="fcn", points=True, crf=True
    ),
    "weldon": labeled("WELDON's maps, from image labels", "transfer", weldon.learn),
    "weldon_crf": labeled(
        "WELDON's maps with CRF, from image labels", "transfer", partial(weldon.learn, crf=True)
    ),
    "weldon_fcn8s": labeled(
        "FCN-8s on WELDON's masks, from image labels",
        "finetune",
        weldon.learn_refined,
        by_epochs=True,
    ),
    "fcn16s": finetuned("FCN-16s", network="fcn", finest=16),
    "fcn32s": finetuned("FCN-32s", network="fcn", finest=32),
    "unet_valid": scratch(
        "U-Net of 2015, without padding",
        architecture={"network": "unet", "width": 32, "valid": True, "normalized": False},
    ),
    "segnet": scratch("SegNet", architecture={"network": "segnet"}),
    "frrn_a": scratch("FRRN A", architecture={"network": "frrn_a", "share": 0.25}),
    "frrn_b": scratch("FRRN B", architecture={"network": "frrn_b", "share": 0.25}),
}
