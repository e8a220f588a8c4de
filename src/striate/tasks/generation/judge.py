"""The network whose features samples are judged by, found for a set of pictures.

A network that knows such pictures judges best: one that learned the classes of the training
pictures, or published weights for their kind. Where there is neither, ImageNet's features serve,
and at last filters drawn at random, which see edges and colors.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import SMALL, Dataset, Decoded, decode, native
from striate.data.splits import TEST, TRAIN, VALIDATION
from striate.errors import WeightsError
from striate.evaluation.classification import top_k
from striate.files import cache_folder
from striate.images import View
from striate.inference import Preprocessing, outputs_of
from striate.models import create, entry, folded, losses
from striate.models.published import here, normalization_of
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.tasks.generation.answers import Pixels
from striate.tasks.generation.sampler import in_color
from striate.tasks.generation.views import view_of
from striate.tasks.pictures.problem import PictureProblem, laid_out, pixels_of
from striate.tensors import load_tensors, save_tensors
from striate.training import Recipe, fit, group, seeded

LEAST, BORDER = 16, 4  # pixels of a side that LeNet-5 reads; 28 x 28 digits get a border of 2
CIFAR_SIDE = 32
LEARNED = Recipe(
    epochs=3, batch_size=128, learning_rate=2e-3, optimizer="adamw", weight_decay=1e-4, threads=1
)
RIGHT = 0.5  # of the validation pictures that it names, or its features say nothing
STEPS = 600  # that it learns at least, of few pictures
AXES = 64  # features that are left of more, by principal components of training pictures
MOST = 100  # features that are kept as they are
PICTURES, LEAST_AXES = 8, 4  # for each feature, where they are few; and so many features at least
FITTED = 2000  # pictures that those are found on
BACKBONE = "efficientnet_lite0"
CIFAR = "resnet20"


@dataclass(frozen=True, eq=False)
class Judge:
    """Pixels to features.

    Attributes:
        title: what it is, for people.
        network: images as `preprocessing` gives them to features (N, D, ...).
        view: of the pictures that it judges; pixels of another size are scaled to it.
        many: pictures that are judged at most, where that takes long.
    """

    title: str
    network: nn.Module
    preprocessing: Preprocessing
    view: View
    many: int = 10_000
    center: NDArray[np.float64] | None = None
    axes: NDArray[np.float64] | None = None

    def features(self, pixels: Pixels) -> NDArray[np.float64]:
        """(N, D) of pixels (N, S, S, C)."""
        found = self.raw(pixels)
        if self.axes is None or self.center is None:
            return found
        rotated: NDArray[np.float64] = (found - self.center) @ self.axes
        return rotated

    def raw(self, pixels: Pixels) -> NDArray[np.float64]:
        """The same before the principal components."""
        seen = fitting(pixels, self.preprocessing.view)
        outputs = outputs_of(self.network, self.preprocessing, seen)
        if outputs.ndim == 4:
            outputs = torch.cat((outputs.mean((2, 3)), outputs.amax((2, 3))), 1)
        found: NDArray[np.float64] = outputs.flatten(1).double().numpy()
        return found


def fitting(pixels: Pixels, view: View) -> Pixels:
    """Pixels (N, H, H, C) with the size and the channels of a view."""
    found = scaled(pixels, view.size)
    if view.channels == 3:
        return in_color(found)
    if found.shape[3] == 3:  # ITU-R 601
        luminance = found @ np.array([0.299, 0.587, 0.114], np.float32)
        return np.rint(luminance).astype(np.uint8)[..., None]
    return found


def scaled(pixels: Pixels, side: int) -> Pixels:
    """Pixels (N, S, S, C) brought to another side, by bicubic interpolation."""
    if pixels.shape[1] == side:
        return pixels
    values = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
    found = nn.functional.interpolate(values, size=(side, side), mode="bicubic", antialias=True)
    return found.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


KEPT = 4  # judges in memory
_known: dict[str, Judge] = {}


def judge_of(dataset: Dataset[Any]) -> Judge:
    """The judge for a set: the same for the same pictures, labels and split. What it learns, it
    learns once, from the training pictures alone, and keeps in the cache folder."""
    view = view_of(dataset)
    about = f"{dataset.fingerprint()} {view} {dataset.split.tobytes().hex()}"
    key = hashlib.sha256(about.encode()).hexdigest()
    if key not in _known:
        while len(_known) >= KEPT:
            _known.pop(next(iter(_known)))
        _known[key] = _found(dataset, view, key)
    return _known[key]


def _found(dataset: Dataset[Any], view: View, key: str) -> Judge:
    side, is_gray = native(dataset)
    numbers = dataset.targets.single()
    train = dataset.split == TRAIN
    classes = 0 if numbers is None else len(np.unique(numbers[train]))
    able = classes > 1 and is_gray and side <= SMALL and (dataset.split == VALIDATION).any()
    if able and (learned := _learned(dataset, view, key)):
        judge = learned
    elif not is_gray and side <= CIFAR_SIDE and here(f"{CIFAR}.cifar10"):
        judge = _published(CIFAR, "cifar10", CIFAR_SIDE, view, "on CIFAR-10", 10_000)
    elif here(f"{BACKBONE}.imagenet"):
        judge = _published(BACKBONE, "imagenet", max(64, view.size), view, "on ImageNet", 2000)
    else:
        judge = _drawn(view)
    return _rotated(judge, dataset)


def _published(name: str, weights: str, side: int, view: View, told: str, many: int) -> Judge:
    model = create(name, weights=weights)
    normalization = normalization_of(f"{name}.{weights}") or entry(name).normalization
    preprocessing = Preprocessing(View(side, fit="squash"), normalization)
    network = channels_last(Before(folded(model)))
    return Judge(f"{name}, learned {told}", network, preprocessing, view, many)


def _drawn(view: View) -> Judge:
    """Three layers of random filters, the same ones always."""
    layers: list[nn.Module] = []
    generator = torch.Generator().manual_seed(0)
    inputs = view.channels
    for width in (16, 32, 64):
        layer = nn.Conv2d(inputs, width, 3, 2, 1)
        with torch.no_grad():
            layer.weight.normal_(0, (2 / (9 * inputs)) ** 0.5, generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        layers += [layer, nn.LeakyReLU(0.2)]
        inputs = width
    square = View(view.size, channels=view.channels, fit="squash")
    normalization = entry("lenet5").learned(_middle(view.channels))
    return Judge(
        "random filters", nn.Sequential(*layers).eval(), Preprocessing(square, normalization), view
    )


def _middle(channels: int) -> Any:
    from striate.models import Normalization

    return Normalization((127.5,) * channels, (64.0,) * channels)


def _rotated(judge: Judge, dataset: Dataset[Any]) -> Judge:
    """The same with few features, where it has more than a covariance can be measured of in the
    smaller of the splits that are judged."""
    counts = [int((dataset.split == part).sum()) for part in (VALIDATION, TEST)]
    fewest = min(filter(None, counts), default=len(dataset))
    most = min(MOST, max(LEAST_AXES, fewest // PICTURES))
    train = np.flatnonzero(dataset.split == TRAIN)
    train = train if len(train) else np.arange(len(dataset))  # only to be scored
    some = train[np.linspace(0, len(train) - 1, min(FITTED, len(train))).astype(int)]
    raw = judge.raw(decode(dataset.take(some), [judge.view]).pixels[judge.view])
    if raw.shape[1] <= most:
        return judge
    count = min(AXES, most, len(raw))
    center = raw.mean(0)
    _, _, directions = np.linalg.svd(raw - center, full_matrices=False)
    return Judge(
        f"{judge.title}, {count} principal components", judge.network, judge.preprocessing,
        judge.view, judge.many, center, directions[:count].T,
    )  # fmt: skip


class Classes(PictureProblem):
    """What the judge learns."""

    score = "top1"

    def targets(self, dataset: Dataset[Any]) -> NDArray[np.int64]:
        numbers: NDArray[np.int64] = dataset.targets.single()
        return numbers

    def losses(self, model: nn.Module, batch: Any, recipe: Recipe) -> dict[str, Tensor]:
        model, images = laid_out(model, batch.images)
        return losses(model, images, batch.targets)

    def measured(self, outputs: Tensor, targets: NDArray[np.int64]) -> dict[str, float]:
        return {"top1": top_k(outputs.numpy(), targets)}


def _learned(dataset: Dataset[Any], view: View, key: str) -> Judge | None:
    """LeNet-5, learned on the classes of the training pictures; None where it cannot tell them."""
    side = max(LEAST, view.size + BORDER)
    square = View(view.size, channels=1, fit="crop", fraction=1.0, bits=view.bits)
    with seeded(0):
        model = create("lenet5", classes=len(dataset.classes), image_size=side)
    path = cache_folder() / "judges" / f"{key}.safetensors"
    decoded: Decoded = decode(dataset, [square])
    preprocessing = Preprocessing.measured(square, pixels_of(decoded, square, "train"))
    try:
        tensors, about = load_tensors(path)
        model.load_state_dict(tensors)
        right = float(about["top1"])
    except (WeightsError, RuntimeError, KeyError):  # not there yet, or of an older striate
        count = int((decoded.dataset.split == TRAIN).sum())
        epochs = max(LEARNED.epochs, min(60, -(-STEPS * LEARNED.batch_size // count)))
        problem = Classes(dataset.classes, preprocessing=preprocessing)
        with group.alone():  # not all ask at the same time
            right = fit(model, problem, decoded, LEARNED.but(epochs=epochs)).best["top1"]
        path.parent.mkdir(parents=True, exist_ok=True)
        save_tensors(path, model.state_dict(), {"top1": right})
    if right < RIGHT:
        return None
    title = "LeNet-5, learned on the classes of the training pictures"
    return Judge(title, Before(model.eval()), preprocessing, view)
