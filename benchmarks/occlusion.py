"""Occlusion maps beside batched brute force and Captum's Occlusion, each at its best batch size.

One thread: `python benchmarks/occlusion.py [--quick] [--json]`, or a part of it: `--network NAME`,
`--approximate`. A square of 32 slides over 224 x 224 pixels in steps of 8 (625 places), and over
448 x 448 in steps of 16 (729). Times are processor seconds for all places. Ours are measured for
all of them. The others do the same work for every place, so they are timed on some of them and
scaled: brute force on one batch, Captum on 49 places. Several images at once are compared with one
at a time. The difference is the largest in the probability of the class at 40 places, the corners
among them. The weights are random, for their values do not matter to the time; the last layer is
scaled so that the networks are sure of something, for differences in probability to mean something.

The order of places that the approximate mode finds is compared on a VGG-16 that has learned: its
published convolutions (in STRIATE_SHARED), random hidden layers, and an output layer solved for the
100 photographs of data/imagenet_sample there; and on EfficientNet-Lite0 as published, for each
photograph's most probable class and for classes that are improbable: the 5th and the 50th.
"""

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from _rows import Row, absent, compared, main, peer_module, ratio_of
from torch import Tensor, nn

from striate.errors import UserError
from striate.images import View, apply, read
from striate.inference import Preprocessing, evaluating
from striate.models import create, entry
from striate.visualize import Maps, approximate_occlusion, occlusion, occlusions

SIDE, SIZE, STRIDE = 224, 32, 8
TARGETS = {
    "vgg16": 5.5, "alexnet_single": 3.0, "resnet18": 2.5, "efficientnet_lite0": 2.0,
    "googlenet": 1.3,
}  # fmt: skip
TOGETHER = {"alexnet_single": 16, "resnet18": 8}  # images at once
LARGE = {"alexnet_single": 16, "resnet18": 16, "vgg16": 32}  # the stride at 448 pixels
BATCHES = (1, 4, 8, 16, 32)
CHECKED = 40
SPREAD = 3.0  # standard deviation of logits
RIDGE_SCALE = 10.0  # the logit of the right photograph
APPROXIMATE = 15.0  # times brute force, VGG-16
RANK = 0.95  # correlation of the approximate with the exact order of places
ORDER = (0, 4, 49)  # of the classes by probability, whose maps are compared
PHOTOS = ("dog", "eagle", "giraffe", "horses")
CAPTUM_STRIDE = 32  # 49 places of 224 x 224; Captum takes no stride above the size


def measure(quick: bool, network: str | None = None, approximate: bool = False) -> Iterator[Row]:
    """Each network, ours and the others in turns; or one, or the approximate mode alone."""
    torch.set_num_threads(1)
    if not approximate:
        for name, target in TARGETS.items():
            if network in (None, name):
                yield from beside(name, SIDE, STRIDE, quick, target)
                if name in TOGETHER:
                    yield together(name, 2 if quick else TOGETHER[name])
        for name, stride in {} if quick else LARGE.items():
            if network in (None, name):
                yield from beside(name, 2 * SIDE, stride, True, None)
    if network in (None, "efficientnet_lite0"):
        yield from published_ranks(quick)
    if approximate and network in (None, "vgg16"):
        yield from approximations(quick, None)


def options(parser: argparse.ArgumentParser) -> None:
    """What can be measured by itself."""
    parser.add_argument("--network", choices=TARGETS, help="the rows of this one alone")
    parser.add_argument("--approximate", action="store_true", help="the approximate mode alone")


def together(name: str, count: int) -> Row:
    """Seconds an image of several at once, beside one at a time."""
    torch.manual_seed(0)
    model, images = create(name).eval(), torch.randn(count, 3, SIDE, SIDE)
    settings = {"size": SIZE, "stride": STRIDE}
    alone: list[float] = []
    several: list[float] = []
    for number in range(2):
        image = images[number]
        alone.append(seconds(lambda: occlusion(model, image, **settings)))  # noqa: B023
        several.append(seconds(lambda: occlusions(model, images, **settings)) / count)
    return row(f"{name}, {count} images at once, an image", several, "one at a time", alone, None)


def published_ranks(quick: bool) -> Iterator[Row]:
    """The approximate order of places on a network that was trained on photographs."""
    case = "efficientnet_lite0, approximate"
    shared = Path(os.environ.get("STRIATE_SHARED", "../shared"))
    try:
        model = create("efficientnet_lite0", weights="imagenet").eval()
        paths = [shared / "data/photos" / f"{name}.jpg" for name in PHOTOS]
        pixels = [apply(read(path), View(SIDE)) for path in paths[: 1 if quick else None]]
    except (OSError, UserError) as error:
        yield absent(case, "", "exact map", error, RANK)
        return
    preprocessing = Preprocessing(View(SIDE), entry("efficientnet_lite0").normalization)
    for path, one in zip(paths, pixels, strict=False):
        image = preprocessing.tensor(one[None])
        with evaluating(model), torch.no_grad():
            classes = model(image)[0].argsort(descending=True)
        for number in classes[list(ORDER)].tolist():
            exact = occlusion(model, image, number, size=SIZE, stride=STRIDE)
            found = approximate_occlusion(model, image, number, size=SIZE, stride=STRIDE)
            title = f"{case}, {path.stem} p {exact.clean_probability:.1g}, rank correlation"
            yield compared(title, "", rank_of(exact, found.maps), "exact map", 1.0, target=RANK)


def rank_of(exact: Maps, other: Maps) -> float:
    """Spearman's rank correlation of the places of two maps."""
    from scipy.stats import spearmanr

    return float(spearmanr(exact.probability.ravel(), other.probability.ravel()).statistic)


def beside(name: str, side: int, stride: int, quick: bool, target: float | None) -> Iterator[Row]:
    """One network at one size of image."""
    rounds = 1 if quick else 3
    torch.manual_seed(0)
    model, image = create(name).eval(), torch.randn(3, side, side)
    sharpen(model, image)
    brute, batch = best(lambda b: partly(model, image, stride, b))
    peers: dict[str, Callable[[], float]] = {f"brute force, {batch} at a time": brute}
    missing: str | None = None
    if side == SIDE:
        try:
            run, batch = captum_of(model, image)
            peers[f"Captum, {batch} at a time"] = run
        except ImportError as error:
            missing = str(error)
    maps: list[Maps] = []
    ours: list[float] = []
    theirs: dict[str, list[float]] = {peer: [] for peer in peers}
    for _ in range(rounds):
        ours.append(seconds(lambda: maps.append(occlusion(model, image, size=SIZE, stride=stride))))
        for peer, run in peers.items():
            theirs[peer].append(run())
    count = maps[-1].probability.size
    case = f"{name}, {side} px, {count} places, off by {difference(model, image, maps[-1]):.0e}"
    for peer, times in theirs.items():
        yield row(case, ours, peer, [count * each for each in times], target)
    if missing:
        yield absent(case, "s", "Captum", missing, target)
    if name == "vgg16" and side == SIDE:
        yield from approximations(quick, count * theirs[next(iter(peers))][-1])


def row(case: str, ours: list[float], peer: str, theirs: list[float], target: float | None) -> Row:
    """Medians of all rounds."""
    mine, others = statistics.median(ours), statistics.median(theirs)
    return compared(case, "s", mine, peer, others, ratio=ratio_of(ours, theirs), target=target)


def sharpen(model: nn.Module, image: Tensor) -> None:
    """Scales the last layer, so that the logits of an image spread like a trained network's."""
    *_, last = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
    with evaluating(model), torch.no_grad():
        factor = SPREAD / model(image[None]).std()
        last.weight *= factor
        last.bias *= factor


def approximations(quick: bool, brute: float | None) -> Iterator[Row]:
    """The approximate mode, with the order of its places beside the exact one.

    Args:
        brute: seconds of brute force, where they are known.
    """
    shared = Path(os.environ.get("STRIATE_SHARED", "../shared"))
    if not (shared / "weights/vgg16_imagenet").is_dir():
        reason = f"{shared} has no weights/vgg16_imagenet"
        yield absent("vgg16, approximate", "s", "brute force", reason, APPROXIMATE)
        return
    model = learned_vgg(shared)
    photos = [shared / "data/photos" / f"{name}.jpg" for name in ("dog", "eagle", "giraffe")]
    photos += sorted((shared / "data/imagenet_sample/images").iterdir())[10::30]
    for path in photos[-1:] if quick else photos:
        image = caffe_input(path)
        exact = occlusion(model, image, size=SIZE, stride=8)
        found = []
        took = seconds(lambda: found.append(approximate_occlusion(model, image)))  # noqa: B023
        case = f"vgg16, approximate, {path.stem} p {exact.clean_probability:.2f}"
        if brute is not None:
            yield row(case, [took], "brute force", [brute], APPROXIMATE)
        rank = rank_of(exact, found[0].maps)
        yield compared(f"{case}, rank correlation", "", rank, "exact map", 1.0, target=RANK)


def learned_vgg(shared: Path) -> nn.Module:
    """VGG-16 with its published convolutions, for the classes of the sample's photographs."""
    torch.manual_seed(0)
    model = published_vgg(shared)
    *_, last = (layer for layer in model.modules() if isinstance(layer, nn.Linear))
    inputs: list[Tensor] = []
    handle = last.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    paths = sorted((shared / "data/imagenet_sample/images").iterdir())
    with evaluating(model), torch.no_grad():
        for path in paths:
            model(caffe_input(path)[None])
    handle.remove()
    features = torch.cat(inputs).double()
    centered = features - features.mean(0)
    products = centered @ centered.T  # ridge regression in its dual form
    ridge = 0.1 * products.diagonal().mean() * torch.eye(len(paths))
    duals = torch.linalg.solve(products + ridge, RIDGE_SCALE * torch.eye(len(paths)).double())
    weight = duals.T @ centered
    with torch.no_grad():
        last.weight.zero_()[: len(paths)] = weight.float()
        last.bias.fill_(-100.0)[: len(paths)] = -(weight @ features.mean(0)).float()
    return model


def published_vgg(shared: Path) -> nn.Module:
    """VGG-16 with its published convolutions; the hidden layers are random."""
    model = create("vgg16").eval()
    (file,) = (shared / "weights/vgg16_imagenet").glob("*.pt*")
    published = list(torch.load(file, weights_only=True).values())
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        for layer, weight, bias in zip(layers, published[::2], published[1::2], strict=True):
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    return model


def caffe_input(path: Path) -> Tensor:
    """(3, 224, 224) as those convolutions were trained: BGR, 0 to 255, less the mean color."""
    pixels = torch.from_numpy(apply(read(path), View(224))).float().flip(2)
    return (pixels - torch.tensor([103.939, 116.779, 123.68])).permute(2, 0, 1)


def partly(model: nn.Module, image: Tensor, stride: int, batch: int) -> Callable[[], float]:
    """Processor seconds a place of brute force, measured on one batch."""
    tops = np.arange(0, image.shape[-1] - SIZE + 1, stride)
    places = [(top, left) for top in tops for left in tops][:: max(1, len(tops) ** 2 // batch)]

    def run() -> float:
        return seconds(lambda: hidden_answers(model, image, places[:batch])) / batch

    return run


def hidden_answers(model: nn.Module, image: Tensor, places: list[tuple[int, int]]) -> Tensor:
    """Probabilities of the images with a square at each place."""
    images = image.repeat(len(places), 1, 1, 1)
    images = images.contiguous(memory_format=torch.channels_last)  # the faster layout
    for one, (top, left) in zip(images, places, strict=True):
        one[:, top : top + SIZE, left : left + SIZE] = 0
    with evaluating(model):
        return model(images).double().softmax(1)


def difference(model: nn.Module, image: Tensor, maps: Maps) -> float:
    """The largest error in probability at some places, the corners among them."""
    rows, columns = maps.probability.shape
    some = np.random.default_rng(0).integers(0, (rows, columns), (CHECKED - 4, 2)).tolist()
    some += [[0, 0], [0, columns - 1], [rows - 1, 0], [rows - 1, columns - 1]]
    errors = []
    for start in range(0, len(some), 8):
        part = some[start : start + 8]
        places = [(int(maps.tops[r]), int(maps.lefts[c])) for r, c in part]
        exact = hidden_answers(model, image, places)[:, maps.target].numpy()
        errors += [abs(e - maps.probability[r, c]) for e, (r, c) in zip(exact, part, strict=True)]
    return float(max(errors))


def captum_of(model: nn.Module, image: Tensor) -> tuple[Callable[[], float], int]:
    """Captum at its best batch size; ImportError where it is not installed."""
    tool = peer_module("captum.attr").Occlusion(model)
    count = ((image.shape[-1] - SIZE) // CAPTUM_STRIDE + 1) ** 2

    def at(batch: int) -> Callable[[], float]:
        def attribute() -> None:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                tool.attribute(
                    image[None], sliding_window_shapes=(3, SIZE, SIZE), target=0,
                    strides=(3, CAPTUM_STRIDE, CAPTUM_STRIDE), perturbations_per_eval=batch,
                )  # fmt: skip

        return lambda: seconds(attribute) / (count + 1)  # it also asks about the clean image

    return best(at)


def best(at: Callable[[int], Callable[[], float]]) -> tuple[Callable[[], float], int]:
    """The batch size that takes the fewest seconds a place, and what measures it."""
    runs = {batch: at(batch) for batch in BATCHES}
    times = {batch: run() for batch, run in runs.items()}
    batch = min(times, key=times.__getitem__)
    return runs[batch], batch


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds: on one thread, what a machine that does nothing else would take."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main(measure, __doc__, options)
