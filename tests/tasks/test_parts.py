"""Of every task: what two parts of a batch teach is what the whole batch teaches."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from striate.data import VOID
from striate.data.batches import Batch as Pictures
from striate.data.batches import Pending
from striate.layers.word_convolution import laid
from striate.models import Normalization
from striate.models.ask_your_neurons import AskYourNeurons
from striate.models.faster_rcnn import faster_rcnn
from striate.models.heat_maps import HeatMaps
from striate.models.kim import Kim
from striate.models.matching import Targets
from striate.models.regions import Settings
from striate.models.stages import Stages
from striate.models.word_decoder import WordDecoder
from striate.models.yolo import yolo
from striate.style import Perception, PerceptualLoss, Weights
from striate.tasks.captions import problem as captions
from striate.tasks.captions.describer import Search, Teller
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.detection import problem as detection
from striate.tasks.detection.rcnn import tuning
from striate.tasks.faces import problem as faces
from striate.tasks.faces import siamese
from striate.tasks.keypoints import problem as keypoints
from striate.tasks.questions import problem as questions
from striate.tasks.questions import several_teaching
from striate.tasks.segmentation import problem as segmentation
from striate.tasks.speech import problem as speech
from striate.tasks.style.problem import StyleProblem
from striate.tasks.tags.problem import TagProblem
from striate.tasks.text import problem as text
from striate.training import Objective, Recipe, group, train
from striate.training.accumulation import Divisible, Parts

RECIPE = Recipe(epochs=1, batch_size=5, learning_rate=0.1)


def new(kind: Any, **values: Any) -> Any:
    """A problem with no more than its losses read."""
    problem = kind.__new__(kind)
    vars(problem).update(values)
    return problem


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def pictures(side: int = 8, channels: int = 1) -> Tensor:
    return random(5, channels, side, side)


def whole_numbers(*shape: int, most: int) -> Tensor:
    return torch.randint(most, shape, generator=torch.Generator().manual_seed(2))


def of_classes() -> tuple[Any, nn.Module, Any]:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    batch = Pictures(pictures(), whole_numbers(5, most=3), torch.arange(5))
    return new(ClassificationProblem), model, batch


def of_tags() -> tuple[Any, nn.Module, Any]:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    known = torch.tensor([[1, 0, 1], [-1, -1, 0], [-1, -1, -1], [0, 0, 1], [-1, 1, -1]])
    return new(TagProblem), model, Pictures(pictures(), known, torch.arange(5))


def of_masks() -> tuple[Any, nn.Module, Any]:
    problem = new(segmentation.SegmentationProblem, weights=torch.tensor([0.5, 2.0]))
    labels = whole_numbers(5, 8, 8, most=2)
    labels[0] = VOID
    labels[3, 2:] = VOID
    present = torch.ones(5, 2, dtype=torch.bool)
    images = Pending.of(pictures(channels=3))
    batch = segmentation.Batch(images, labels, present, problem.counts(labels))
    return problem, nn.Conv2d(3, 2, 3, padding=1), batch


def of_points() -> tuple[Any, nn.Module, Any]:
    class Maps(nn.Module):
        stride = 2

        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.Conv2d(3, 4, 2, stride=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.maps(x)

    places = 10 * torch.rand(5, 4, 2, generator=torch.Generator().manual_seed(3)) - 1
    places[1] = torch.nan
    places[4, :3] = torch.nan
    problem = new(keypoints.PointProblem, sigma=1.0)
    return (
        problem,
        cast(HeatMaps, Maps()),
        keypoints.Batch(Pending.of(pictures(channels=3)), places, (8, 8)),
    )


def boxes() -> detection.Batch:
    none = torch.zeros(0, 4)
    two, three = torch.tensor([[4.0, 4, 40, 40], [30, 20, 60, 50]]), [[0.0, 0, 30, 30]] * 3
    objects = [two, none, torch.tensor([[10.0, 5, 50, 60]]), none, torch.tensor(three)]
    targets = tuple(
        Targets(some, torch.arange(len(some)) % 2, torch.zeros(0, 4), (64, 64)) for some in objects
    )
    return detection.Batch(Pending.of(0.5 * pictures(64, 3)), targets)


def of_regions() -> tuple[Any, nn.Module, Any]:
    everything = Settings(anchors=10**6, regions=10**6, region_share=1.0)  # nothing is drawn
    model = faster_rcnn("efficientnet_lite0", classes=2, width=8, hidden=8, settings=everything)
    return new(detection.DetectionProblem), model.eval(), boxes()


def of_cells() -> tuple[Any, nn.Module, Any]:
    model = yolo("efficientnet_lite0", classes=2, side=64, grid=2, width=8)
    return new(detection.DetectionProblem), model.eval(), boxes()


def of_crops() -> tuple[Any, nn.Module, Any]:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    return new(tuning.Tuning), model, tuning.Batch(pictures(), whole_numbers(5, most=3))


def of_texts() -> tuple[Any, nn.Module, Any]:
    vectors = random(20, 6)
    vectors[0] = 0
    texts = [np.array(some) for some in ([1, 2, 3], [4], [9, 1, 9, 9, 5, 6], [], [7, 7])]
    batch = text.Batch(laid(texts, Kim.longest - 1), whole_numbers(5, most=3))
    return new(text.Sentences), Kim(vectors, "multichannel", classes=3).eval(), batch


def of_questions() -> tuple[Any, nn.Module, Any]:
    model = AskYourNeurons(9, 4, features=3, size=5, hidden=6)
    batch = questions.Batch(
        random(5, 3), whole_numbers(5, 6, most=9), torch.tensor([2, 6, 3, 1, 5]),
        whole_numbers(5, most=4),
    )  # fmt: skip
    return new(questions.OneAnswer), model.eval(), batch


def of_answers() -> tuple[Any, nn.Module, Any]:
    model = WordDecoder(9, 3, image="every", size=5, hidden=6)
    words = whole_numbers(5, 6, most=9)
    wanted = words.roll(-1, 1)
    wanted[0, 1:] = wanted[3, 2:] = wanted[4] = 0
    batch = several_teaching.Batch(random(5, 3), words, wanted)
    return new(several_teaching.SeveralWords), model.eval(), batch


def of_captions() -> tuple[Any, nn.Module, Any]:
    model = Teller(nn.Sequential(), WordDecoder(9, 3, image="every", size=5, hidden=6))
    words = whole_numbers(7, 6, most=9)
    wanted = words.roll(-1, 1)
    wanted[0, 1:] = wanted[3, 2:] = wanted[4] = 0
    images = torch.tensor([0, 0, 1, 2, 3, 4, 4])
    batch = captions.Batch(random(5, 3, 2, 2), images, words, wanted)
    return new(captions.NextWord, search=Search()), model.eval(), batch


def of_frames() -> tuple[Any, nn.Module, Any]:
    model = nn.Sequential(nn.Flatten(), nn.Linear(24, 3))
    return new(speech.States), model, speech.Batch(random(5, 3, 2, 4), whole_numbers(5, most=3))


class Seen(nn.Module):
    width = 4

    def __init__(self) -> None:
        super().__init__()
        self.upper = nn.Linear(6, 4)


def of_faces(loss: faces.Loss) -> tuple[Any, nn.Module, Any]:
    model = faces.Identities(cast(Any, Seen()), 3)
    return (
        new(faces.FaceProblem, loss=loss),
        model,
        faces.Batch(random(5, 6), whole_numbers(5, most=3)),
    )


def of_pairs() -> tuple[Any, nn.Module, Any]:
    batch = siamese.Batch(random(5, 6), random(5, 6) + 1, torch.tensor([1.0, 0, 1, 0, 0]))
    return new(siamese.PairProblem), siamese.Twins(nn.Linear(6, 4)), batch


def of_photographs() -> tuple[Any, nn.Module, Any]:
    layers = {name: nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU()) for name in ("low", "high")}
    seen = Perception(Stages({**layers, "top": nn.Flatten()}, channels=3), layers)
    scale = Normalization((127.5,) * 3, (64.0,) * 3)
    loss = PerceptualLoss(seen, scale, ["high"], Weights(), style=["low"])
    loss.paint(60 * random(1, 3, 16, 16) + 128)
    model = nn.Conv2d(3, 3, 3, padding=1)
    batch = Pictures(60 * pictures(16, 3) + 128, torch.zeros(5, dtype=torch.int64), torch.arange(5))
    return new(StyleProblem, judge=SimpleNamespace(loss=loss)), model, batch


CASES = {
    "classes": of_classes, "tags": of_tags, "masks": of_masks, "points": of_points,
    "regions": of_regions, "cells": of_cells, "crops": of_crops, "texts": of_texts,
    "questions": of_questions, "answers": of_answers, "captions": of_captions,
    "frames": of_frames, "softmax": lambda: of_faces("softmax"),
    "margin": lambda: of_faces("margin"), "pairs": of_pairs, "photographs": of_photographs,
}  # fmt: skip


def learned(name: str, parts: int) -> tuple[list[float], Tensor]:
    torch.manual_seed(0)
    problem, model, batch = CASES[name]()
    assert isinstance(batch, Divisible)
    assert [len(part) for part in batch.parts(2)] in ([2, 3], [3, 2])
    weights = [each for each in model.parameters() if each.requires_grad]
    objective = Objective(
        lambda some: problem.losses(model, some, RECIPE), torch.optim.SGD(weights, lr=0.1),
        parts=Parts(parts),
    )  # fmt: skip
    (step,) = train([objective], [batch])
    gradient = torch.cat([torch.zeros(1) if one.grad is None else one.grad.to_dense().flatten()
                          for one in weights])  # fmt: skip
    return [float(loss) for loss in step.losses.values()], gradient


@pytest.mark.parametrize("name", CASES)
def test_two_parts_are_the_whole(name: str) -> None:
    losses, whole = learned(name, 1)
    same, both = learned(name, 2)
    assert same == pytest.approx(losses, rel=1e-5, abs=1e-6)
    assert any(losses)
    torch.testing.assert_close(both, whole, rtol=1e-4, atol=1e-5 * float(whole.abs().max()))


def test_triplets_are_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = faces.Together(random(5, 6), whole_numbers(5, most=3))
    assert not isinstance(batch, Divisible)
    monkeypatch.setattr(group, "size", lambda: 2)
    assert group.own_part(batch) == (batch, 0.5)
