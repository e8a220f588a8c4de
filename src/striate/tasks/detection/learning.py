"""From a folder with boxes to a detector: the network by its name, anchors that fit, one run."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from striate.data.boxes import BoxedDataset
from striate.data.dataset import TEST, TRAIN
from striate.errors import DataError, UnknownName
from striate.models import entry, normalization_of
from striate.models.faster_rcnn import BACKBONES, Settings
from striate.tasks.detection.detector import Detector, build
from striate.tasks.detection.pictures import Scaling
from striate.tasks.detection.task import FASTER_RCNN, Detection
from striate.training import Recipe, Run, fit
from striate.training.modes import seeded

DETECTORS = {f"faster_rcnn_{backbone}": backbone for backbone in BACKBONES}
DEFAULT = "faster_rcnn_efficientnet_lite0"
SIDE = 448  # pixels of the longer side
ROUNDS = 2  # passes over the training images between two validations
SQUARE = 1.5  # boxes whose sides differ by less need anchors of one shape only


@dataclass(frozen=True)
class Learned:
    """A detector, the run it came from, and its metrics on the test split ("map50" and each
    class's average precision); None where there is no test image."""

    detector: Detector
    run: Run
    test: dict[str, float] | None


def learn(
    data: BoxedDataset,
    name: str = DEFAULT,
    *,
    weights: str | Path | None = "imagenet",
    recipe: Recipe = FASTER_RCNN,
    side: int = SIDE,
    folder: str | Path | None = None,
    resume: bool = False,
    seed: int = 0,
) -> Learned:
    """Learns to find what is marked.

    Args:
        name: a key of DETECTORS.
        weights: of the backbone, as `striate.models.create` takes them; None: fresh ones.
        recipe: an epoch of it is two passes over the training images.
        side: of the longer side of a picture, in pixels.

    Raises:
        UnknownName: if there is no such detector.
        DataError: if nothing is marked in the training images.
        MissingExtra, WeightsError: if the weights are not to be had.
    """
    if name not in DETECTORS:
        raise UnknownName("detector", name, DETECTORS)
    if not data.counts()[:, 0].any():
        raise DataError(f"{data.name}: nothing is marked in its {len(data.train)} training images")
    backbone = DETECTORS[name]
    with seeded(seed):
        architecture = architecture_for(backbone, data)
        model = build(architecture, len(data.classes))
        norm = entry(backbone).normalization
        if weights is not None:
            published = f"{backbone}.{weights}"
            norm = normalization_of(published) or norm
            fill(model.backbone.stages, backbone, weights)
    task = Detection(Scaling.of(side, norm), rounds=ROUNDS)
    scaled = task.prepare(data)
    run = fit(model, task, scaled, recipe, folder=folder, resume=resume, seed=seed)
    provenance = {
        "data": data.name,
        "fingerprint": data.fingerprint(),
        "weights": str(weights),
        "recipe": recipe.to_json(),
        "seed": seed,
        "validation": run.best,
    }
    detector = Detector(model.eval(), architecture, task.scaling, data.classes, provenance)
    test = task.measure(model, scaled, TEST) if len(scaled.rows(TEST)) else None
    return Learned(detector, run, test)


def architecture_for(backbone: str, data: BoxedDataset) -> dict[str, Any]:
    """The network's numbers for this set: one shape of anchors where nearly all boxes are nearly
    square, the published three elsewhere."""
    rows = np.flatnonzero(data.split == TRAIN).tolist()
    boxes = np.concatenate([data.objects[row].boxes for row in rows])
    sides = boxes[:, 2:] - boxes[:, :2]
    shape = np.abs(np.log(sides[:, 1] / sides[:, 0]))
    square = np.quantile(shape, 0.9) < np.log(SQUARE)
    settings = Settings(ratios=(1.0,)) if square else Settings()
    return {
        "backbone": backbone,
        "pyramid": True,
        "width": 128,
        "hidden": 512,
        "anchor": 4.0,
        "settings": asdict(settings),
    }


def fill(stages: torch.nn.ModuleDict, backbone: str, weights: str | Path) -> None:
    """Gives the stages of a detector the weights of the whole network."""
    from striate.models import create

    whole = create(backbone, weights=weights).state_dict()
    stages.load_state_dict({name: whole[name] for name in stages.state_dict()})
