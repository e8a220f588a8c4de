"""R-CNN (Girshick, Donahue, Darrell & Malik 2014, arXiv:1311.2524): regions with features of a
convolutional network.

Selective search says where something may be, a network trained on whole pictures looks at each of
these places by itself, and one linear machine a class decides. Nearly all of the time goes into
looking, in learning as in use.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN, VALIDATION
from striate.errors import DataError
from striate.evaluation.detection import average_precisions, mean
from striate.models import Normalization
from striate.models.matching import Detections
from striate.ops.boxes import overlaps
from striate.progress import Clock
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.keeping import keep, kept
from striate.tasks.detection.networks import same_form
from striate.tasks.detection.rcnn_features import READ, Eye, Looking, Reader
from striate.tasks.detection.rcnn_learning import Solving, solve
from striate.tasks.detection.rcnn_looking import Kept, Looked, Searched, look, search
from striate.tasks.detection.rcnn_machines import Machines, calibrate
from striate.tasks.detection.rcnn_tuning import RECIPE, tune
from striate.training import Recipe
from striate.training.modes import seeded

BACKBONE = "efficientnet_lite0"
MOST = 100  # detections of a picture
LEAST = 0.01  # chance of a detection
KEPT = ("regions", "tuning", "features")  # folders of a run, until all is solved
RECALLED = (300, 1000, 2000)  # regions of a picture among which a thing is looked for, in the notes


@dataclass(frozen=True, eq=False)
class RCNNFinder:
    """Regions, features, machines.

    Attributes:
        doubles: overlap of two detections of a class that are one.
    """

    reader: Reader
    machines: Machines
    doubles: float

    kind: ClassVar[str] = "rcnn"

    @property
    def parameters(self) -> int:
        learned = (self.machines.svm, self.machines.moves, self.machines.curve)
        trunk = sum(parameter.numel() for parameter in self.reader.eye.parameters())
        return trunk + sum(table.numel() for table in learned)

    def find(self, pixels: NDArray[np.uint8]) -> Detections:
        boxes = self.reader.regions(pixels)
        return self.among(boxes, self.reader.features(pixels, boxes), pixels.shape[:2])

    def among(self, boxes: Tensor, features: Tensor, size: tuple[int, ...]) -> Detections:
        """What is in a picture of (height, width), among its regions."""
        height, width = size
        return self.machines.detections(
            boxes, features, (height, width), doubles=self.doubles, most=MOST, least=LEAST
        )

    def tensors(self) -> dict[str, Tensor]:
        stored = {f"eye.{name}": value for name, value in self.reader.eye.state_dict().items()}
        return stored | {
            f"machines.{f.name}": getattr(self.machines, f.name) for f in fields(Machines)
        }

    def header(self) -> dict[str, Any]:
        return {**self.reader.header(), "doubles": self.doubles}

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any], classes: int) -> Self:
        backbone, doubles = header["backbone"], header["doubles"]
        if backbone not in READ:
            raise ValueError(f"it names a backbone {backbone!r}")
        if not isinstance(doubles, int | float) or not 0 <= doubles <= 1:
            raise ValueError(f"its doubles overlap by {doubles!r}")
        looking = Looking.from_json(header["looking"])
        told = header["normalization"]
        mean, std = (tuple(float(value) for value in told[name]) for name in ("mean", "std"))
        normalization = Normalization(mean, std, bool(told["bgr"]))
        finite = np.isfinite([*mean, *std]).all()
        if not (finite and len(mean) == len(std) == 3 and min(std) > 0):
            raise ValueError(f"its pixels are normalized by {told}")
        with torch.device("meta"):  # sizes first; what is loaded then takes the place of these
            eye = Eye(backbone)
            expected = {f"eye.{name}": value for name, value in eye.state_dict().items()}
            empty = Machines.empty(torch.zeros(eye.width), torch.zeros(eye.width), classes)
        expected |= {f"machines.{f.name}": getattr(empty, f.name) for f in fields(Machines)}
        same_form(expected, tensors)
        for name, theirs in tensors.items():
            if theirs.dtype != expected[name].dtype:
                raise ValueError(f"{name} is of {theirs.dtype}")
            if not theirs.isfinite().all():
                raise ValueError(f"{name} holds what is no number")
        eye.load_state_dict(
            {name: tensors[f"eye.{name}"] for name in eye.state_dict()}, assign=True
        )
        machines = Machines(**{f.name: tensors[f"machines.{f.name}"] for f in fields(Machines)})
        return cls(Reader(backbone, eye, normalization, looking), machines, float(doubles))


def learn(
    data: BoxedDataset,
    ask: Ask,
    *,
    looking: Looking | None = None,
    tuning: Recipe | None = RECIPE,
    solving: Solving | None = None,
) -> Learned:
    """Searches regions, tunes the network on them, looks once at every one of them, then solves.

    What was searched, learned and seen is kept in `ask.folder` until all is solved; then the
    result.

    Args:
        tuning: None reads the network as it comes.

    Raises:
        DataError: if nothing is marked in the training images.
        MissingExtra, WeightsError: if scikit-image or the weights are not to be had.
    """
    looking, solving = looking or Looking(), solving or Solving()
    if tuning is not None and ask.epochs is not None:
        tuning = tuning.but(epochs=ask.epochs)
    clock = Clock()
    with seeded(ask.seed):
        reader = Reader.of(ask.backbone or BACKBONE, ask.weights, looking)
    recipe = {
        "looking": asdict(looking),
        "tuning": tuning.to_json() if tuning else None,
        "solving": asdict(solving),
    }
    places = identity_of(data, looking)
    identity = f"{places} {identity_of_network(reader)} {ask.seed} {json.dumps(recipe)}"
    if ask.resume and ask.folder is not None:
        known = kept(ask.folder, identity, RCNNFinder, len(data.classes))
        if known is not None:
            return known
    folders = {name: ask.folder / name if ask.folder else None for name in KEPT}
    with clock.stage("search"):
        searching = Kept(folders["regions"], places, ask.resume)
        find = partial(search, reader, data, kept=searching)
        training, validation = find(TRAIN, learned=looking.learned), find(VALIDATION)
    if not any(data.objects[row].asked.any() for row in training.rows):
        raise DataError(f"{data.name}: nothing is marked in its training images")
    history: tuple[dict[str, float], ...] = ()
    if tuning is not None:
        with clock.stage("tune"):
            reader, run = tune(
                reader, data, training, validation, tuning,
                fresh=ask.weights is None, folder=folders["tuning"], resume=ask.resume,
                seed=ask.seed,
            )  # fmt: skip
            history = run.history
    with clock.stage("look"):
        seeing = Kept(folders["features"], f"{places} {identity_of_network(reader)}", ask.resume)
        learned_from, held_out = (
            look(reader, data, each, kept=seeing) for each in (training, validation)
        )
    with clock.stage("solve"):
        machines = solve(learned_from.seen, learned_from.truth, len(data.classes), solving)
        finder = RCNNFinder(reader, machines, solving.doubles)
    with clock.stage("validate"):
        metrics = validated(finder, held_out, data.classes) if held_out.seen else None
    notes = recalls(held_out, data.classes)
    notes += pace((training, validation), (learned_from, held_out))
    notes += [*training.broken, *validation.broken]
    learned = Learned(finder, clock.seconds, metrics, history, recipe, tuple(notes))
    if ask.folder is not None:
        keep(ask.folder, identity, learned)
        for folder in folders.values():
            if folder is not None and folder.exists():
                shutil.rmtree(folder)
    return learned


def identity_of(data: BoxedDataset, looking: Looking) -> str:
    """Names where is looked: the same images, split and search give the same regions."""
    parts = [data.fingerprint(), data.split.tolist(), asdict(looking)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def identity_of_network(reader: Reader) -> str:
    """Names what looks: the same network sees the same."""
    total = hashlib.sha256(json.dumps(reader.header()).encode())
    for value in reader.eye.state_dict().values():
        total.update(value.numpy().tobytes())
    return total.hexdigest()


def validated(finder: RCNNFinder, looked: Looked, classes: tuple[str, ...]) -> dict[str, float]:
    """Fits the curves, and gives "map50" and each class's average precision."""
    pictures = list(zip(looked.seen, looked.sizes, strict=True))
    plain = [
        finder.machines.detections(
            one.boxes[one.things :],
            one.load()[one.things :],
            size,
            doubles=finder.doubles,
            most=MOST,
        )
        for one, size in pictures
    ]
    calibrate(finder.machines, plain, looked.truth)
    found = [
        finder.among(one.boxes[one.things :], one.load()[one.things :], size)
        for one, size in pictures
    ]
    each = average_precisions(found, looked.truth, len(classes))
    named = zip(classes, each.tolist(), strict=True)
    return {"map50": mean(each), **{f"ap50 {name}": value for name, value in named}}


def recalls(looked: Looked, classes: tuple[str, ...]) -> list[str]:
    """Notes: how many of the things of each class selective search comes near to."""
    lines = []
    for number, name in enumerate(classes):
        met: list[list[Tensor]] = [[] for _ in RECALLED]
        for one, marked in zip(looked.seen, looked.truth, strict=True):
            mine = torch.from_numpy(marked.boxes[marked.asked & (marked.classes == number)])
            table = overlaps(mine, one.boxes[one.things :])
            for place, count in enumerate(RECALLED):
                met[place].append(table[:, :count].amax(1) if table.shape[1] else table.sum(1))
        each = [torch.cat(parts) if parts else torch.zeros(0) for parts in met]
        if len(each[0]):
            shares = "; ".join(
                f"among {count}: {(best >= 0.5).float().mean():.0%} by 0.5, "
                f"{(best >= 0.7).float().mean():.0%} by 0.7"
                for count, best in zip(RECALLED, each, strict=True)
            )
            lines.append(
                f"{name}: {len(each[0])} in validation, met by the first regions ({shares})"
            )
    return lines


def pace(searched: Sequence[Searched], looked: Sequence[Looked]) -> list[str]:
    """A note: what searching and looking took, where anything was looked at."""
    pictures, regions = sum(one.fresh for one in searched), sum(one.fresh for one in looked)
    if not pictures or not regions:
        return []
    search = sum(one.seconds for one in searched) / pictures
    features = sum(one.seconds for one in looked) / regions
    return [
        f"selective search took {search:.2f} s a picture, features {1000 * features:.1f} ms a "
        "region"
    ]
