"""What points tell of all other pixels of their pictures: a linear machine on hypercolumns, learned
at the points of all pictures together, and a field that takes what it finds to the borders.

It stands in the place of the objectness of Alexe et al. (2012), which Bearman et al. (2016) take
ready-made and which learned from boxes of other objects.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import VOID
from striate.data.splits import TRAIN
from striate.inference import evaluating, fastest_device
from striate.layers.dense_crf import marginals
from striate.models import Normalization
from striate.models.hypercolumns import Hypercolumns
from striate.progress import track
from striate.tasks.backbones import fill
from striate.tasks.contract import Ask
from striate.tasks.segmentation.common import FIELDS, SIDE
from striate.tasks.segmentation.crf import CRFSegmenter, behind
from striate.tasks.segmentation.linear import regression, sampled
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.pictures import Scaled, scale
from striate.tasks.segmentation.reading import Reading, nearest
from striate.tasks.segmentation.segmenter import Segmenter
from striate.training.modes import seeded

MOST = 254  # what 1 is written as; 255 is void
STRENGTH = 0.1  # of the penalty on squared weights: points are few


def objectness(
    data: Scaled, backbone: str, ask: Ask, normalization: Normalization
) -> tuple[dict[int, Tensor], str]:
    """(H, W) uint8 of each training picture by row, how likely a pixel is no background, 0 to MOST;
    and a note.

    Args:
        data: with training maps that are void but for points; class 0 is the background.
        backbone: of the hypercolumns.
    """
    reading = Reading(SIDE, normalization)
    scaled = scale(data.dataset, reading)
    rows = data.rows(TRAIN).tolist()
    maps = list(scaled.maps)
    for row in rows:
        marked = nearest(data.map(row).numpy(), *scaled.picture(row).shape[:2])
        maps[row] = torch.from_numpy(marked)
    scaled = replace(scaled, maps=tuple(maps))
    found, _, words = behind(machine(scaled, reading, backbone, ask), scaled, FIELDS)
    objects = {}
    for row in track(rows, "objectness from points"):
        shares = everywhere(found, scaled.picture(row), scaled.map(row))
        height, width = data.map(row).shape
        share = F.interpolate(1 - shares[None, :1], size=(height, width), mode="bilinear")[0, 0]
        objects[row] = (MOST * share).round().clamp(0, MOST).to(torch.uint8)
    return objects, f"objectness from hypercolumns at the points; behind them, {words}"


def machine(data: Scaled, reading: Reading, backbone: str, ask: Ask) -> Segmenter:
    """Classes of pixels by a linear machine on hypercolumns, learned from the pixels of training
    maps that are not void; every class counts alike."""
    classes = len(data.dataset.classes)
    architecture = {"network": "hypercolumns", "backbone": backbone}
    with seeded(ask.seed):
        model = network(architecture, classes).eval()
    assert isinstance(model, Hypercolumns)
    fill(model, backbone, ask.weights)
    with evaluating(model):
        columns, labels = sampled(data, reading, TRAIN, model.columns, ask.seed)
    mean, deviation = columns.mean(0), columns.std(0).clamp(min=1e-6)
    counts = labels.bincount(minlength=classes)
    weights = torch.where(counts > 0, len(labels) / (counts.clamp(min=1) * (counts > 0).sum()), 0)
    weight, bias = regression((columns - mean) / deviation, labels, weights, STRENGTH)
    weight = weight / deviation
    model.solved(weight, bias - weight @ mean)
    made = Segmenter(model, architecture, reading, classes)
    made.to(str(fastest_device()))
    return made


def everywhere(found: CRFSegmenter, picture: Tensor, marks: Tensor) -> Tensor:
    """(classes, H, W) shares of the classes in a picture, those of its points being known.

    Args:
        marks: (H, W) the points' classes, VOID elsewhere.
    """
    pixels = picture.numpy()
    shares = Segmenter.scores(found, pixels).softmax(0).cpu()
    known = marks != VOID
    shares[:, known] = F.one_hot(marks[known].long(), len(shares)).T.to(shares)
    return marginals(shares, pixels, found.settings) if found.settings.rounds else shares
