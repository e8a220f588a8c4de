"""The ways to learn detection."""

from collections.abc import Callable
from functools import partial

from striate.data import Dataset, Decoded
from striate.data.boxes import Boxes
from striate.models.backbone import NetworksWith
from striate.models.faster_rcnn import SINGLE, STRIDES
from striate.models.yolo import STRIDES as YOLO_STRIDES
from striate.tasks.backbones import find_weights
from striate.tasks.contract import Ask, Learned, Method
from striate.tasks.detection.dpm import method as dpm
from striate.tasks.detection.faster_rcnn import method as faster_rcnn
from striate.tasks.detection.rcnn import method as rcnn
from striate.tasks.detection.rcnn.features import STRIDE as RCNN_STRIDE
from striate.tasks.detection.yolo import method as yolo

Learn = Callable[[Dataset[Boxes], Ask], Learned]


def on_pictures(learn: Learn) -> Callable[[Decoded, Ask], Learned]:
    """From prepared data: these methods read the pictures of its dataset by themselves."""
    return lambda data, ask: learn(data.dataset, ask)


# In the order of their years; the last three are the forms in which three of them came.
METHODS: dict[str, Method] = {
    "dpm": Method("Deformable parts (DPM)", "handcrafted", on_pictures(dpm.learn)),
    "rcnn": Method(
        "R-CNN",
        "transfer",
        on_pictures(rcnn.learn),
        networks=NetworksWith(RCNN_STRIDE, first=rcnn.NETWORK, aligned=False),
        by_epochs=True,
        needs=(("skimage", "detection"),),
        find=partial(find_weights, rcnn.NETWORK),
    ),
    "yolo": Method(
        "YOLO",
        "finetune",
        on_pictures(yolo.learn),
        networks=NetworksWith(*YOLO_STRIDES, first=yolo.NETWORK),
        by_epochs=True,
        find=partial(find_weights, yolo.NETWORK),
    ),
    "faster_rcnn": Method(
        "Faster R-CNN",
        "finetune",
        on_pictures(faster_rcnn.learn),
        networks=NetworksWith(*STRIDES, first=faster_rcnn.NETWORK),
        by_epochs=True,
        find=partial(find_weights, faster_rcnn.NETWORK),
    ),
    "rcnn_2014": Method(
        "R-CNN, the numbers of 2014",
        "transfer",
        on_pictures(partial(rcnn.learn, **rcnn.PUBLISHED)),
        networks=NetworksWith(RCNN_STRIDE, first=rcnn.NETWORK, aligned=False),
        by_epochs=True,
        needs=(("skimage", "detection"),),
        find=partial(find_weights, rcnn.NETWORK),
    ),
    "yolo_7x7": Method(
        "YOLO, 7 x 7 cells",
        "finetune",
        on_pictures(partial(yolo.learn, grid=yolo.PUBLISHED_GRID)),
        networks=NetworksWith(*YOLO_STRIDES, first=yolo.NETWORK),
        by_epochs=True,
        find=partial(find_weights, yolo.NETWORK),
    ),
    "faster_rcnn_single": Method(
        "Faster R-CNN of 2015, one map",
        "finetune",
        on_pictures(partial(faster_rcnn.learn, pyramid=False)),
        networks=NetworksWith(*SINGLE, first=faster_rcnn.NETWORK),
        by_epochs=True,
        find=partial(find_weights, faster_rcnn.NETWORK),
    ),
}
