"""The learning problem by hand, then on real digits."""

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import data, models
from striate.data import Array, Dataset, Labels, decode
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.outputs import outputs_of
from striate.models import Normalization
from striate.tasks.classification.problem import ClassificationProblem, split
from striate.tasks.pictures.problem import natural_view
from striate.training import fit
from striate.training.recipes import LENET5_MNIST, SCRATCH_SMALL, Recipe


def painted(count: int = 12, size: int = 8, gray: bool = True) -> Dataset:
    """Two classes, dark and bright; half to learn from, a quarter each to choose and to score."""
    targets = np.arange(count) % 2
    shape = (count, size, size) if gray else (count, size, size, 3)
    pixels = np.random.default_rng(0).integers(0, 60, shape, dtype=np.uint8)
    pixels += (180 * targets).astype(np.uint8).reshape(-1, *[1] * (len(shape) - 1))
    parts = np.repeat(np.array([0, 1, 2], dtype=np.int8), [count // 2, count // 4, count // 4])
    return Dataset("painted", Array(pixels), Labels(("dark", "bright"), targets), parts)


class Perfect(nn.Module):
    """Decides by the mean of the normalized picture; has a layer to be found as classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(1, 2)
        nn.init.zeros_(self.last.bias)
        with torch.no_grad():
            self.last.weight.copy_(torch.tensor([[-20.0], [20.0]]))

    def forward(self, images: Tensor) -> Tensor:
        return self.last(images.mean((1, 2, 3))[:, None])


@pytest.mark.parametrize(("size", "gray", "view"), [
    (8, True, View(8, channels=1, fit="squash")),
    (64, False, View(64, fit="squash")),
    (65, True, View(224)),
])  # fmt: skip
def test_the_natural_view(size: int, gray: bool, view: View) -> None:
    assert natural_view(painted(size=size, gray=gray)) == view


def test_preparing_measures_the_training_images_alone() -> None:
    task, some = ClassificationProblem(("dark", "bright")), painted()
    with pytest.raises(ValueError, match="none were yet"):
        _ = task.preprocessing
    prepared: Any = task.prepare(some)
    train = some.inputs.array[some.split == 0]  # type: ignore[attr-defined]
    assert task.preprocessing.normalization.mean == pytest.approx((train.mean(),), rel=1e-5)
    assert task.preprocessing.normalization.std == pytest.approx((train.std(),), rel=1e-5)
    assert task.prepare(prepared) is prepared
    assert task.examples(some) == task.examples(prepared) == 6


def test_a_given_preprocessing_decides_the_view() -> None:
    given = Preprocessing(View(4, fit="squash"), Normalization((0.0,) * 3, (1.0,) * 3))
    task = ClassificationProblem(("dark", "bright"), preprocessing=given)
    other = decode(painted(), [View(8, fit="squash")])
    prepared: Any = task.prepare(other)
    assert set(prepared.pixels) == {given.view}
    assert task.preprocessing == given


def test_batches_are_sent_to_their_device_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    def note(tensor: Tensor, device: torch.device) -> Tensor:
        sent.append((tensor.dtype, tuple(tensor.shape), device.type))
        return tensor

    monkeypatch.setattr("striate.tasks.pictures.problem.sent", note)
    task, recipe = ClassificationProblem(("dark", "bright")), Recipe(1, 6, 0.1)
    device = torch.device("cuda")
    (batch,) = islice(task.batches(painted(), recipe, seed=0, start=0, device=device), 1)
    assert sent == [(torch.int64, (6,), "cuda")]
    assert batch.images.shape == (6, 1, 8, 8)
    assert sent[1:] == [(torch.uint8, (6, 1, 8, 8), "cuda")]


def test_losses_are_the_cross_entropy() -> None:
    task, model = ClassificationProblem(("dark", "bright")), Perfect()
    recipe = Recipe(1, 6, 0.1)
    (batch,) = islice(task.batches(painted(), recipe, seed=0, start=0), 1)
    logits = model(batch.images)
    for smoothing in (0.0, 0.2):
        log = logits.log_softmax(1)
        own = log[torch.arange(6), batch.targets]
        by_hand = -((1 - smoothing) * own + smoothing * log.mean(1)).mean()
        (name, loss), *rest = task.losses(
            model, batch, recipe.but(label_smoothing=smoothing)
        ).items()
        assert (name, rest) == ("cross_entropy", [])
        torch.testing.assert_close(loss, by_hand)


def test_a_perfect_model_scores_one() -> None:
    task, some, model = ClassificationProblem(("dark", "bright")), painted(), Perfect().train()
    metrics = task.evaluate(model, task.prepare(some))
    assert (metrics["top1"], metrics["top5"]) == (1.0, 1.0)
    assert metrics["validation_loss"] < 1e-6
    assert model.training
    with torch.no_grad():
        model.last.weight.neg_()
    assert task.evaluate(model, some)["top1"] == 0.0


def test_batches_depend_on_the_seed_and_the_step_alone() -> None:
    task, some = ClassificationProblem(("dark", "bright")), painted()
    recipe = Recipe(1, 4, 0.1, augmentation=SCRATCH_SMALL.augmentation)

    def taken(seed: int, start: int, count: int) -> list[Tensor]:
        return [b.images for b in islice(task.batches(some, recipe, seed=seed, start=start), count)]

    all_five = taken(1, 0, 5)
    torch.manual_seed(123)
    for one, two in zip(all_five[3:], taken(1, 3, 2), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(all_five[0], taken(2, 0, 1)[0])
    assert not torch.equal(all_five[0], all_five[2])


def test_identity_says_classes_pixels_and_split() -> None:
    task, some = ClassificationProblem(("dark", "bright")), painted()
    task.prepare(some)
    identity = task.identity(some)
    assert identity["classes"] == ["dark", "bright"]
    assert identity["data"] == some.fingerprint()
    some.split[:] = some.split[::-1].copy()
    assert task.identity(some)["split"] != identity["split"]


def test_the_classifier_alone_is_new() -> None:
    model = models.create("lenet5", classes=3)
    new = ClassificationProblem(("a", "b", "c")).new_parameters(model)
    assert [tuple(parameter.shape) for parameter in new] == [(3, 84), (3,)]


def test_without_a_full_connection_everything_is_new() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    new = ClassificationProblem(("a", "b")).new_parameters(model)
    assert [id(parameter) for parameter in new] == [id(p) for p in model.parameters()]


def test_the_learner_computes_the_same_in_its_own_layout() -> None:
    model = models.create("resnet18", classes=2)
    learner = ClassificationProblem(("a", "b")).learner(model)
    assert {id(p) for p in learner.parameters()} == {id(p) for p in model.parameters()}
    assert next(model.parameters()).is_contiguous(memory_format=torch.channels_last)
    images = torch.randn(2, 3, 64, 64)
    model.eval()
    torch.testing.assert_close(learner(images), model(images))


def test_logits_do_not_depend_on_the_batch_size() -> None:
    task = ClassificationProblem(("dark", "bright"))
    prepared: Any = task.prepare(painted(40))
    pixels, targets = split(prepared, task.preprocessing.view, "train")
    assert (pixels.shape, targets.tolist()) == ((20, 8, 8, 1), [0, 1] * 10)
    model = Perfect()
    one, seven = (outputs_of(model, task.preprocessing, pixels, batch_size=n) for n in (1, 7))
    torch.testing.assert_close(one, seven)
    torch.testing.assert_close(F.softmax(one, 1).argmax(1), torch.from_numpy(targets))


def test_rows_that_are_scattered_come_in_order() -> None:
    some = painted()
    some.split[:] = np.arange(12) % 3
    view = View(8, channels=1, fit="squash")
    pixels, targets = split(decode(some, [view]), view, "validation")
    rows = [1, 4, 7, 10]
    np.testing.assert_array_equal(pixels[..., 0], some.inputs.array[rows])  # type: ignore
    np.testing.assert_array_equal(targets, some.targets.numbers[rows])


def test_lenet5_learns_digits() -> None:
    digits = data.open("digits")
    torch.manual_seed(0)
    model = models.create("lenet5", classes=10)
    run = fit(model, ClassificationProblem(digits.classes), digits, SCRATCH_SMALL.but(epochs=4))
    assert run.best["top1"] >= 0.93


def test_lenet5_learns_mnist_from_four_thousand(shared: Callable[[str], Path]) -> None:
    mnist = data.open(str(shared("data/mnist")))
    train, rest = (
        np.flatnonzero(mnist.split == part)[:count] for part, count in ((0, 4000), (1, 1000))
    )
    some = mnist.take(np.concatenate([train, rest]))
    torch.manual_seed(0)
    model = models.create("lenet5", classes=10)
    run = fit(model, ClassificationProblem(some.classes), some, LENET5_MNIST.but(epochs=2))
    assert run.best["top1"] >= 0.95
