"""Crop and scale, mirror, rotation, shear and color at 224 pixels, beside the usual libraries.

    python benchmarks/augment.py [--quick] [--json]

One core. All get the same 256 x 256 photographs as (H, W, 3) uint8 arrays and vary the same things
by the same amounts: a window of 8 % to 100 % of the area and 3:4 to 4:3, its mirror image, +-15
degrees, a shear of +-10 degrees, brightness, contrast and saturation +-20 %, hue +-10 degrees. Each
leaves the batch in the form it works in: ours as float32 (N, 3, H, W). The peers' warps do not
antialias; torchvision's crop does, as ours. albumentationsx, the successor of albumentations, has
its module's name and is measured where it is installed in its place; the row says which it was.
"""

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from _rows import Row, absent, compared, in_turns, let_torchvision_in, main, peer_module, ratio_of

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
    case = f"crop, mirror, rotation, shear, color at {SIZE} px"
    for name, make in PEERS.items():
        try:
            theirs = make(images)
        except ImportError as error:
            yield absent(case, "img/s", name, error, TARGETS[name])
            continue
        times = in_turns({"ours": lambda: EVERYTHING(batch), name: theirs}, 3 if quick else 9)
        mine, others = (count / statistics.median(times[side]) for side in ("ours", name))
        ratio = ratio_of(times["ours"], times[name])
        peer = f"{name} {peer_module(name).__version__}"
        yield compared(case, "img/s", mine, peer, others, ratio=ratio, target=TARGETS[name])


def photographs(count: int) -> Any:
    """Smooth random pictures (N, H, W, 3) uint8; what they show changes nothing in the time."""
    coarse = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    fine = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    return (255 * fine).byte().permute(0, 2, 3, 1).contiguous().numpy()


def torchvision(images: Any) -> Callable[[], Any]:
    let_torchvision_in()
    v2 = peer_module("torchvision.transforms.v2")
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
    K = peer_module("kornia.augmentation")
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
    A = peer_module("albumentations")
    peer_module("cv2").setNumThreads(1)
    views = A.Compose([
        A.RandomResizedCrop(size=(SIZE, SIZE)),
        A.HorizontalFlip(),
        A.Affine(rotate=(-15, 15), shear=(-10, 10), p=1.0),
        A.ColorJitter((0.8, 1.2), (0.8, 1.2), (0.8, 1.2), (-10 / 360, 10 / 360), p=1.0),
    ])  # fmt: skip
    return lambda: np.stack([views(image=image)["image"] for image in images])


PEERS = {"torchvision": torchvision, "kornia": kornia, "albumentations": albumentations}


if __name__ == "__main__":
    main(measure, __doc__)
