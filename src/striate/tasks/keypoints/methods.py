"""The ways to learn key points."""

from collections.abc import Callable
from functools import partial
from typing import Any

from striate.data import Dataset
from striate.images import View
from striate.models.backbone import NetworksWith
from striate.tasks.backbones import find_weights
from striate.tasks.contract import Ask, Method
from striate.tasks.keypoints import ridge, steps
from striate.tasks.keypoints.canvas import view_of

Views = Callable[[Dataset[Any], Ask], tuple[View, ...]]


def of(size: int) -> Views:
    """The view of that size."""
    return lambda dataset, ask: (view_of(size),)


METHODS: dict[str, Method] = {
    "hog_ridge": Method("HOG + ridge", "handcrafted", ridge.learn_hog, views=of(ridge.SIDE["hog"])),
    "deep_ridge": Method(
        "Deep features + ridge",
        "transfer",
        ridge.learn_deep,
        networks=NetworksWith(16, first=steps.NETWORK),
        find=partial(find_weights, steps.NETWORK),
        views=of(ridge.SIDE["deep"]),
    ),
    "unet": Method(
        "U-Net heat maps",
        "scratch",
        steps.learn_scratch,
        by_epochs=True,
        views=lambda dataset, ask: (view_of(steps.side_of("scratch", dataset)),),
    ),
    "heat_maps": Method(
        "Heat maps, fine-tuned",
        "finetune",
        steps.learn_finetuned,
        networks=NetworksWith(4, 8, 16, 32, first=steps.NETWORK),
        by_epochs=True,
        find=partial(find_weights, steps.NETWORK),
        views=lambda dataset, ask: (view_of(steps.side_of("finetune", dataset)),),
    ),
}
