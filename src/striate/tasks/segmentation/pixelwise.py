"""Pixels classified one by one, by a linear machine on features that are not learned: the filter
bank, and the hypercolumns of a frozen network."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data import Dataset, Masks
from striate.data.splits import TRAIN, VALIDATION
from striate.handcrafted.filter_bank import FilterBankSegmenter
from striate.inference import evaluating
from striate.models.hypercolumns import Hypercolumns
from striate.progress import Clock
from striate.tasks.backbones import fill, normalization_for
from striate.tasks.contract import Ask, Learned
from striate.tasks.segmentation.finetune import NETWORK, read_side
from striate.tasks.segmentation.linear import PIXELS, at, regression, sampled
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.pictures import Scaled, scale
from striate.tasks.segmentation.problem import SegmentationProblem, balanced
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Segmenter
from striate.tasks.segmentation.steps import GRAY
from striate.tasks.segmentation.unet import side_of
from striate.training.modes import seeded

STRENGTHS = (1e-4, 1e-2)  # of the penalty on squared weights, of which validation chooses


def learn_filter_bank(data: Dataset[Masks], ask: Ask) -> Learned:
    """Filters, color and structure tensor, with a linear machine on random waves of them."""
    clock = Clock()
    architecture = {"network": "filter_bank"}
    with clock.stage("decode"):
        scaled = scale(data, Reading(side_of(data), GRAY))
    with seeded(ask.seed):
        model = network(architecture, len(data.classes))
    assert isinstance(model, FilterBankSegmenter)
    reading = Reading(side_of(data), GRAY)
    generator = torch.Generator().manual_seed(ask.seed)
    with clock.stage("features"), torch.no_grad():

        def numbers(images: Tensor, places: Tensor) -> Tensor:
            return at(model.bank(images), places)

        learned = sampled(scaled, reading, TRAIN, numbers, ask.seed)
        chosen = sampled(scaled, reading, VALIDATION, numbers, ask.seed, PIXELS // 4)
        model.fitted(learned[0], generator)
        learned, chosen = (
            (model.features(x.T[None, :, None])[0, :, 0].T, y) for x, y in (learned, chosen)
        )
    with clock.stage("solve"):
        weight, bias, note = solved(learned, chosen, balanced(data))
        with torch.no_grad():
            model.head.weight.copy_(weight[:, :, None, None])
            assert model.head.bias is not None
            model.head.bias.copy_(bias)
    return finished(model, architecture, reading, scaled, clock, None, note)


def learn_hypercolumns(data: Dataset[Masks], ask: Ask) -> Learned:
    """What the layers of a frozen network say at a pixel, with a linear machine."""
    clock = Clock()
    backbone = ask.network or NETWORK
    architecture = {"network": "hypercolumns", "backbone": backbone}
    with seeded(ask.seed):
        model = network(architecture, len(data.classes)).eval()
    assert isinstance(model, Hypercolumns)
    fill(model, backbone, ask.weights)
    reading = Reading(read_side(data), normalization_for(backbone, ask.weights))
    with clock.stage("decode"):
        scaled = scale(data, reading)
    with clock.stage("features"), evaluating(model):
        learned = sampled(scaled, reading, TRAIN, model.columns, ask.seed)
        chosen = sampled(scaled, reading, VALIDATION, model.columns, ask.seed, PIXELS // 4)
    with clock.stage("solve"):
        mean, deviation = learned[0].mean(0), learned[0].std(0).clamp(min=1e-6)
        learned, chosen = (((x - mean) / deviation, y) for x, y in (learned, chosen))
        weight, bias, note = solved(learned, chosen, balanced(data))
        weight = weight / deviation
        model.solved(weight, bias - weight @ mean)
    return finished(model, architecture, reading, scaled, clock, backbone, note)


def finished(
    model: torch.nn.Module, architecture: dict[str, Any], reading: Reading, scaled: Scaled,
    clock: Clock, backbone: str | None, note: str,
) -> Learned:  # fmt: skip
    """The predictor and what it reaches on validation pictures."""
    predictor = Segmenter(model, architecture, reading, len(scaled.dataset.classes))
    with clock.stage("validate"):
        metrics = SegmentationProblem(reading, 1).evaluate(model, scaled)
    return Learned(predictor, metrics, clock.seconds, network=backbone, notes=(note,))


def solved(
    learned: tuple[Tensor, Tensor], chosen: tuple[Tensor, Tensor], weights: Tensor
) -> tuple[Tensor, Tensor, str]:
    """Multinomial logistic regression: weights (classes, D), bias (classes,), and a note on the
    strength of the penalty, which is the best on other pixels."""
    best: tuple[float, Tensor, Tensor, str] | None = None
    for strength in STRENGTHS:
        weight, bias = regression(*learned, weights, strength)
        loss = float(F.cross_entropy(chosen[0] @ weight.T + bias, chosen[1], weights))
        if best is None or loss < best[0]:
            best = loss, weight, bias, f"penalty on squared weights {strength:g}"
    assert best is not None
    return best[1:]
