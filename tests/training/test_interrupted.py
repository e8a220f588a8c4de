"""Ctrl-C saves the step in hand; what a run began with may be its best; averages survive."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from striate.data import Dataset
from striate.data.batches import Batch
from striate.tasks.classification.problem import ClassificationProblem
from striate.tensors import load_tensors
from striate.training import Recipe, fit

Build = Callable[[], nn.Module]
CLASSES = ("a", "b", "c")


class Pressed(ClassificationProblem):
    """Somebody presses Ctrl-C while step `at` is learned."""

    def __init__(self, at: int):
        super().__init__(CLASSES)
        self.at = at

    def batches(self, data: Any, recipe: Recipe, **options: Any) -> Iterator[Batch]:
        for step, batch in enumerate(super().batches(data, recipe, **options), 1):
            if step + options["start"] == self.at:
                signal.raise_signal(signal.SIGINT)
            yield batch


@pytest.mark.parametrize("at", [1, 4, 6])  # the first step, the last of an epoch, one within
def test_ctrl_c_saves_the_step_and_the_run_goes_on(
    at: int, stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path
) -> None:
    recipe = recipe.but(average=0.9, keep_start=True)
    whole = fit(network(), ClassificationProblem(CLASSES), stripes, recipe)
    with pytest.raises(KeyboardInterrupt):
        fit(network(), Pressed(at), stripes, recipe, folder=tmp_path)
    assert load_tensors(tmp_path / "checkpoint.safetensors")[1]["step"] == at
    run = fit(
        network(), ClassificationProblem(CLASSES), stripes, recipe, folder=tmp_path, resume=True
    )
    assert run.history == whole.history
    mine, expected = run.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(mine[name], expected[name]) for name in expected)


def test_the_start_is_kept_if_nothing_is_better(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    harmful = recipe.but(epochs=1, learning_rate=1e-9, warmup=0.0, keep_start=True)
    run = fit(model, ClassificationProblem(CLASSES), stripes, harmful)
    assert [row["epoch"] for row in run.history] == [0, 1]
    assert "loss" not in run.history[0]
    assert run.best["epoch"] == 0  # an equal score is not a better one
    assert run.kept == "nothing better in 1 epoch"
    assert torch.equal(model.state_dict()["0.weight"], before["0.weight"])


def test_the_average_is_what_is_evaluated_and_kept(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    class Watched(ClassificationProblem):
        def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
            seen.append(model.state_dict()["0.weight"].clone())
            return super().evaluate(model, data)

    seen: list[torch.Tensor] = []
    recipe = recipe.but(epochs=1, clip=1.0)
    plain = fit(network(), Watched(CLASSES), stripes, recipe)
    averaged = fit(network(), Watched(CLASSES), stripes, recipe.but(average=0.999))
    assert not torch.equal(*seen)
    assert torch.equal(plain.model.state_dict()["0.weight"], seen[0])
    assert torch.equal(averaged.model.state_dict()["0.weight"], seen[1])
