"""Crop and scale, mirror, rotation, shear and color at 224 pixels, beside the usual libraries.

    python benchmarks/augment.py [--quick] [--json]

One core. All get the same 256 x 256 photographs as (H, W, 3) uint8 arrays and vary the same things
by the same amounts: a window of 8 % to 100 % of the area and 3:4 to 4:3, its mirror image, +-15
degrees, a shear of +-10 degrees, brightness, contrast and saturation +-20 %, hue +-10 degrees. Each
leaves the batch in the form it works in: ours as float32 (N, 3, H, W). The peers' warps do not
antialias; torchvision's crop does, as ours. With `torch<2.14` torchvision's wheels may need the
operators that its compiled part would define: they are named, and none of the work calls them.
"""

import importlib
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import torch
from _paired import Row, main, paired

from striate.augment import Augmentation, Spread

SIDE, SIZE = 256, 224
EVERYTHING = Augmentation(
    Spread(mirror=0.5, crop=(0.08, 1.0), stretch=math.log(4 / 3), rotation=15, shear=10),
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
    hue=10,
    size=SIZE,
)
TARGETS = {"torchvision": 5.0, "kornia": 5.0, "albumentations": 1.5}


def measure(quick: bool) -> Iterable[Row]:
    torch.set_num_threads(1)
    count = 8 if quick else 32
    images = photographs(count)
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    ours = lambda: EVERYTHING(batch)
    for name, make in PEERS.items():
        try:
            theirs = make(images)
        except (ImportError, RuntimeError) as error:  # RuntimeError: its operators do not load
            print(f"{name}: not importable here: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        row = paired(
            f"crop, mirror, rotation, shear, color at {SIZE} px",
            ours,
            theirs,
            peer=name,
            target=TARGETS[name],
            rounds=3 if quick else 9,
        )
        yield replace(
            row,
            unit="img/s",
            ours=round(1000 * count / row.ours, 1),
            theirs=round(1000 * count / row.theirs, 1),
        )


def photographs(count: int) -> Any:
    """Smooth random pictures (N, H, W, 3) uint8; what they show changes nothing in the time."""
    coarse = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    fine = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    return (255 * fine).byte().permute(0, 2, 3, 1).contiguous().numpy()


def torchvision(images: Any) -> Callable[[], Any]:
    name_operators()
    v2 = importlib.import_module("torchvision.transforms.v2")
    bilinear = v2.InterpolationMode.BILINEAR
    views = v2.Compose([
        v2.RandomResizedCrop(SIZE, antialias=True),
        v2.RandomHorizontalFlip(),
        v2.RandomAffine(15, shear=10, interpolation=bilinear),
        v2.ColorJitter(0.2, 0.2, 0.2, 10 / 360),
    ])  # fmt: skip
    return lambda: torch.stack([
        views(torch.from_numpy(image).permute(2, 0, 1)) for image in images
    ])  # fmt: skip


def kornia(images: Any) -> Callable[[], Any]:
    K = importlib.import_module("kornia.augmentation")
    views = K.AugmentationSequential(
        K.RandomResizedCrop((SIZE, SIZE)),
        K.RandomHorizontalFlip(),
        K.RandomAffine(15.0, shear=10.0, p=1.0),
        K.ColorJitter(0.2, 0.2, 0.2, 10 / 360, p=1.0),
        data_keys=["input"],
    )
    batch = torch.from_numpy(images).permute(0, 3, 1, 2)
    return lambda: views(batch.float().contiguous() / 255)


def albumentations(images: Any) -> Callable[[], Any]:
    A = importlib.import_module("albumentations")
    numpy, cv2 = importlib.import_module("numpy"), importlib.import_module("cv2")
    cv2.setNumThreads(1)
    views = A.Compose([
        A.RandomResizedCrop(size=(SIZE, SIZE)),
        A.HorizontalFlip(),
        A.Affine(rotate=(-15, 15), shear=(-10, 10), p=1.0),
        A.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (-10 / 360, 10 / 360), p=1.0),
    ])  # fmt: skip
    return lambda: numpy.stack([views(image=image)["image"] for image in images])


PEERS = {"torchvision": torchvision, "kornia": kornia, "albumentations": albumentations}


def name_operators() -> None:
    """Names torchvision's compiled operators where they are missing: its Python part loads then."""
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            signature = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            LIBRARY.define(name + signature)


LIBRARY = torch.library.Library("torchvision", "FRAGMENT")


if __name__ == "__main__":
    main(measure, __doc__)
