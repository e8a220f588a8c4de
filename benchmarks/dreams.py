"""Dreams beside Lucent's, of the same units of the same network, and a sheet of both to look at.

One thread, processor seconds, in turns: `python benchmarks/dreams.py [--quick] [--json] [--sheet
FILE]`. Both make pictures of 224 x 224 pixels. Lucent takes its own 512 steps, transformations,
Fourier parametrization and decorrelated colors, and its network is told the same normalization.
The sheet has a row for each unit, ours left and Lucent's right; the rows say, where the unit is a
class, how sure EfficientNet-Lite1 is of it, which took no part.

The networks are EfficientNet-Lite0 (extra `pretrained`) and VGG-16's published convolutions (in
STRIATE_SHARED). Lucent wants an older kornia than the other benchmarks do:
`pip install --no-deps torch-lucent==0.1.8`, then `pip install ipython tqdm`.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _rows import Row, absent, compared, let_torchvision_in, main, peer_module
from occlusion import published_vgg
from torch import Tensor, nn

from striate.errors import StriateError
from striate.images import View, apply
from striate.inference import Preprocessing, evaluating
from striate.models import Normalization, create
from striate.visualize import Tile, dream, save, sheet
from striate.visualize.colors import Pixels

SIDE = 224
TARGET = 2.0
STEPS = 512  # Lucent's own
CLASSES = {340: "zebra", 949: "strawberry", 107: "jellyfish", 483: "castle"}
LITE = Preprocessing(View(SIDE), Normalization((127.0,) * 3, (128.0,) * 3))
Unit = int | tuple[str, int]
Judge = Callable[[Pixels, int], float]
Load = Callable[[], tuple[nn.Module, Preprocessing, Judge | None]]


class Caffe(Preprocessing):
    """What VGG-16's published convolutions were trained on."""

    def __call__(self, images: Tensor) -> Tensor:
        means = torch.tensor([103.939, 116.779, 123.68]).to(images)
        return images.flip(1) - means[:, None, None]


def measure(quick: bool, sheet_at: Path | None) -> Iterator[Row]:
    """Each unit, ours and Lucent's in turns."""
    torch.set_num_threads(1)
    few = {"steps": 2} if quick else {}
    lucent, missing = None, ""
    try:
        lucent = lucent_of(2 if quick else STEPS)
    except ImportError as error:
        missing = str(error)
    rows: dict[str, list[Tile]] = {}
    for name, load, units in NETWORKS:
        try:
            net, rule, judge = load()
        except (StriateError, FileNotFoundError) as error:
            yield absent(name, "s", "Lucent", error, TARGET)
            continue
        for unit in units:
            which, label = asked(unit)
            case = f"{name}, {label}"
            mine, ours = timed(lambda: dream(net, rule, **which, **few).picture)  # noqa: B023
            rows[label] = [Tile(mine, f"striate, {ours:.1f} s")]
            if lucent is None:
                yield absent(case, "s", "Lucent", missing, TARGET, ours=ours)
                continue
            other, theirs = timed(lambda: lucent(net, rule, unit))  # noqa: B023
            rows[label].append(Tile(other, f"Lucent, {theirs:.1f} s"))
            if judge is not None and isinstance(unit, int):
                case += f", p of Lite1 {judge(mine, unit):.2f} and {judge(other, unit):.2f}"
            yield compared(case, "s", ours, "Lucent", theirs, less=True, target=TARGET)
    if sheet_at is not None and rows:
        save(sheet_at, sheet("Dreams", list(rows.values()), names=list(rows), side=SIDE))


def asked(unit: Unit) -> tuple[dict[str, Any], str]:
    """What `dream` takes for a unit, and what to call it."""
    if isinstance(unit, int):
        return {"target": unit}, CLASSES[unit]
    return {"layer": unit[0], "channel": unit[1]}, f"{unit[0]}, map {unit[1]}"


def lite() -> tuple[nn.Module, Preprocessing, Judge | None]:
    """EfficientNet-Lite0, and Lite1's probabilities."""
    other = create("efficientnet_lite1", weights="imagenet")

    def judge(picture: Pixels, target: int) -> float:
        seen = LITE.tensor(apply(picture, View(240, fraction=1.0))[None])
        with evaluating(other), torch.no_grad():
            return float(other(seen).softmax(1)[0, target])

    return create("efficientnet_lite0", weights="imagenet").eval(), LITE, judge


def vgg() -> tuple[nn.Module, Preprocessing, None]:
    """VGG-16 with its published convolutions."""
    shared = Path(os.environ.get("STRIATE_SHARED", "../shared"))
    if not (shared / "weights/vgg16_imagenet").is_dir():
        raise FileNotFoundError(f"{shared} has no weights/vgg16_imagenet")
    return published_vgg(shared), Caffe(View(SIDE), Normalization((0.0,) * 3, (1.0,) * 3)), None


NETWORKS: tuple[tuple[str, Load, tuple[Unit, ...]], ...] = (
    ("efficientnet_lite0", lite, (*CLASSES, ("stage5", 30), ("stage4", 11))),
    ("vgg16", vgg, (("conv5_1", 100),)),
)


def lucent_of(steps: int) -> Callable[[nn.Module, Preprocessing, Unit], Pixels]:
    """Lucent as its documentation shows it.

    Raises:
        ImportError: where it is not installed.
    """
    let_torchvision_in()
    kornia = peer_module("kornia")
    geometry = peer_module("kornia.geometry.transform")
    for moved in ("get_rotation_matrix2d", "warp_affine"):  # since the kornia that Lucent knows
        if not hasattr(kornia, moved):
            setattr(kornia, moved, getattr(geometry, moved))
    render = peer_module("lucent.optvis.render")
    objectives, param, transform = (
        peer_module(f"lucent.optvis.{name}") for name in ("objectives", "param", "transform")
    )

    def run(net: nn.Module, rule: Preprocessing, unit: Unit) -> Pixels:
        torch.manual_seed(0)
        np.random.seed(0)  # Lucent draws its transformations from it
        objective = (
            (lambda features: -features("labels")[0, unit])
            if isinstance(unit, int)
            else objectives.channel(*unit)
        )
        (images,) = render.render_vis(
            net, objective, lambda: param.image(SIDE),
            transforms=[*transform.standard_transforms, lambda views: rule(255 * views)],
            thresholds=(steps,), preprocess=False, progress=False, show_image=False,
        )  # fmt: skip
        return np.rint(255 * images[0]).astype(np.uint8)

    return run


def timed(make: Callable[[], Pixels]) -> tuple[Pixels, float]:
    """A picture, and the processor seconds it took."""
    start = time.process_time()
    picture = make()
    return picture, time.process_time() - start


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sheet", dest="sheet_at", type=Path, metavar="FILE",
                        help="write the pictures side by side")  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__, options)
