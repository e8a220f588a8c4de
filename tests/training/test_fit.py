"""Runs that are killed and taken up again end where the whole run ends, bit for bit."""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from striate.data import Dataset
from striate.data.batches import Batch
from striate.errors import DataError, Diverged, WeightsError
from striate.tasks.classification.problem import ClassificationProblem
from striate.training import Recipe, Run, fit, keeper

Build = Callable[[], nn.Module]
CLASSES = ("a", "b", "c")


class Killed(Exception):
    """Stands for the end of a process."""


class Fragile(ClassificationProblem):
    """Dies when asked for the batch of step `dies_at`, or in evaluation number `dies_in`."""

    def __init__(self, *, dies_at: int = 0, dies_in: int = 0):
        super().__init__(CLASSES)
        self.dies_at, self.dies_in, self.evaluations = dies_at, dies_in, count(1)

    def batches(self, data: Any, recipe: Recipe, **options: Any) -> Iterator[Batch]:
        some = super().batches(data, recipe, **options)
        for number, batch in enumerate(some, options["start"] + 1):
            if number == self.dies_at:
                raise Killed
            yield batch

    def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
        if next(self.evaluations) == self.dies_in:
            raise Killed
        return super().evaluate(model, data)


class Scored(ClassificationProblem):
    """Evaluations give these scores, one after the other."""

    def __init__(self, *scores: float):
        super().__init__(CLASSES)
        self.scores = iter(scores)
        self.weights: list[torch.Tensor] = []

    def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
        self.weights.append(next(model.parameters()).detach().clone())
        return {"top1": next(self.scores)}


def same(first: nn.Module, second: nn.Module) -> None:
    one, two = first.state_dict(), second.state_dict()
    assert one.keys() == two.keys()
    for name in one:
        assert torch.equal(one[name], two[name]), name


@pytest.fixture
def whole(stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path) -> Run:
    """The run that nobody disturbed."""
    return fit(
        network(), ClassificationProblem(CLASSES), stripes, recipe, folder=tmp_path / "whole"
    )


@pytest.mark.parametrize("every_step", [False, True], ids=["each epoch", "each step"])
@pytest.mark.parametrize(
    "death", [{"dies_at": n} for n in (1, 2, 4, 5, 6, 9, 12)] + [{"dies_in": n} for n in (1, 2, 3)]
)
def test_killed_anywhere_it_ends_the_same(
    death: dict[str, int], every_step: bool, whole: Run, stripes: Dataset, network: Build,
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if every_step:
        monkeypatch.setattr(keeper, "SECONDS_BETWEEN_SAVES", -1.0)
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        fit(network(), Fragile(**death), stripes, recipe, folder=folder)
    torch.manual_seed(99)
    run = fit(
        network(), ClassificationProblem(CLASSES), stripes, recipe, folder=folder, resume=True
    )
    same(run.model, whole.model)
    assert run.history == whole.history
    assert whole.folder is not None
    assert (folder / "metrics.jsonl").read_bytes() == (whole.folder / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_killed_twice_with_either_optimizer(
    optimizer: Any, stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path
) -> None:
    recipe = recipe.but(optimizer=optimizer, learning_rate=0.003)
    whole = fit(network(), ClassificationProblem(CLASSES), stripes, recipe)
    for step in (6, 10):
        with pytest.raises(Killed):
            fit(network(), Fragile(dies_at=step), stripes, recipe, folder=tmp_path, resume=True)
    run = fit(
        network(), ClassificationProblem(CLASSES), stripes, recipe, folder=tmp_path, resume=True
    )
    same(run.model, whole.model)
    assert run.history == whole.history


@pytest.mark.parametrize("place", ["keep_best", "save"])
def test_killed_between_two_writes_no_line_is_told_twice(
    place: str, whole: Run, stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def die(*_: Any) -> None:
        raise Killed

    folder, task = tmp_path / "killed", ClassificationProblem(CLASSES)
    with monkeypatch.context() as patch:
        patch.setattr(keeper.Keeper, place, die)
        with pytest.raises(Killed):
            fit(network(), task, stripes, recipe, folder=folder)
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1
    run = fit(network(), task, stripes, recipe, folder=folder, resume=True)
    assert run.history == whole.history
    same(run.model, whole.model)


def test_a_line_half_written_is_dropped(
    whole: Run, stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path
) -> None:
    folder, task = tmp_path / "killed", ClassificationProblem(CLASSES)
    with pytest.raises(Killed):
        fit(network(), Fragile(dies_at=7), stripes, recipe, folder=folder)
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "epo')
    assert fit(network(), task, stripes, recipe, folder=folder, resume=True).history == (
        whole.history
    )


def test_a_finished_run_taken_up_again_stays_as_it_is(
    whole: Run, stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    again = fit(network(), Fragile(dies_at=1), stripes, recipe, folder=whole.folder, resume=True)
    same(again.model, whole.model)
    assert (again.history, again.best) == (whole.history, whole.best)


def test_a_folder_in_use_is_refused(
    whole: Run, stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    with pytest.raises(DataError, match="holds a run already"):
        fit(network(), ClassificationProblem(CLASSES), stripes, recipe, folder=whole.folder)


@pytest.mark.parametrize("changed", ["recipe", "seed", "data", "split", "classes"])
def test_another_beginning_is_refused_by_name(
    changed: str, whole: Run, stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    data, task, seed = stripes, ClassificationProblem(CLASSES), 0
    if changed == "recipe":
        recipe = recipe.but(momentum=0.8)
    elif changed == "seed":
        seed = 1
    elif changed == "data":
        pixels = stripes.inputs.array.copy()  # type: ignore[attr-defined]
        pixels[-1] = 0  # a test image: what is measured on the training images stays
        data = dataclasses.replace(stripes, inputs=type(stripes.inputs)(pixels))  # type: ignore
    elif changed == "split":
        split = stripes.split.copy()
        split[[40, 47]] = split[[47, 40]]
        data = dataclasses.replace(stripes, split=split)
    else:
        task = ClassificationProblem(("a", "b", "d"))
    with pytest.raises(DataError, match=f"cannot go on: {changed} changed"):
        fit(network(), task, data, recipe, folder=whole.folder, resume=True, seed=seed)


def test_a_foreign_checkpoint_is_refused(
    whole: Run, stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    assert whole.folder is not None
    for name in ("checkpoint.safetensors", "previous.safetensors"):
        (whole.folder / name).write_bytes(b"something else")
    with pytest.raises(WeightsError, match="not a file that striate wrote"):
        fit(
            network(),
            ClassificationProblem(CLASSES),
            stripes,
            recipe,
            folder=whole.folder,
            resume=True,
        )


def test_it_stops_when_patience_ends_and_keeps_the_best(
    stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path
) -> None:
    for folder in (None, tmp_path / "run"):
        task = Scored(0.5, 0.7, 0.6, 0.7, 0.9)  # an equal score is not a better one
        run = fit(network(), task, stripes, recipe.but(epochs=5, patience=2), folder=folder)
        assert [row["epoch"] for row in run.history] == [1, 2, 3, 4]
        assert (run.best["epoch"], run.best["top1"]) == (2, 0.7)
        assert torch.equal(next(run.model.parameters()), task.weights[1])
        assert not torch.equal(task.weights[1], task.weights[3])
    again = fit(
        network(), Scored(), stripes, recipe.but(epochs=5, patience=2), folder=folder, resume=True
    )
    assert again.history == run.history


def test_the_loss_of_a_row_is_the_mean_of_its_epoch(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    class Numbered(ClassificationProblem):
        def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, torch.Tensor]:
            zero = 0 * model(batch.images).sum()
            return {"images": zero + len(batch.images), "one": zero + 1}

    run = fit(network(), Numbered(CLASSES), stripes, recipe)
    assert [row["loss"] for row in run.history] == [(9 + 9 + 8 + 8) / 4] * 3
    assert [row["step"] for row in run.history] == [4, 8, 12]


@pytest.mark.parametrize(
    ("precision", "may", "rounded"),
    [("bfloat16", True, True), ("bfloat16", False, False), ("float32", True, False)],
)
def test_validation_is_computed_as_learning_is(
    precision: Any, may: bool, rounded: bool, stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    class Watched(ClassificationProblem):
        evaluated_rounded = may

        def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().evaluate(model, data)

    seen: list[bool] = []
    fit(network(), Watched(CLASSES), stripes, recipe.but(precision=precision, epochs=1))
    assert seen == [rounded]


def test_nothing_to_learn_is_refused(stripes: Dataset, network: Build, recipe: Recipe) -> None:
    with pytest.raises(ValueError, match="0 epochs of 30 examples"):
        fit(network(), ClassificationProblem(CLASSES), stripes, recipe.but(epochs=0))


def test_random_numbers_modes_and_threads_are_given_back(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    for task in (ClassificationProblem(CLASSES), Fragile(dies_at=6), Fragile(dies_in=2)):
        model = network().eval()
        model[1].train()  # type: ignore[index]
        modes = [module.training for module in model.modules()]
        state, threads = torch.get_rng_state(), torch.get_num_threads()
        with contextlib.suppress(Killed):
            fit(model, task, stripes, recipe)
        assert torch.equal(torch.get_rng_state(), state)
        assert [module.training for module in model.modules()] == modes
        assert torch.get_num_threads() == threads
        assert torch.is_grad_enabled()


def test_metrics_are_json_lines(whole: Run) -> None:
    assert whole.folder is not None
    lines = (whole.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == list(whole.history)
    assert set(whole.history[0]) == {"step", "epoch", "loss", "top1", "top5", "validation_loss"}


class Poisoned(ClassificationProblem):
    """The last step of epoch 2 leaves a weight that is not finite, or a metric is not."""

    def __init__(self, *, weight: float = 0.0, metric: float = 0.0):
        super().__init__(CLASSES)
        self.weight, self.metric, self.epoch = weight, metric, 0

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, torch.Tensor]:
        found = super().losses(model, batch, recipe)
        self.epoch += 1
        if self.epoch == 8 and self.weight:
            for parameter in model.parameters():
                parameter.register_post_accumulate_grad_hook(self._spoil)
        return found

    def _spoil(self, parameter: torch.Tensor) -> None:
        assert parameter.grad is not None
        parameter.grad.fill_(self.weight)

    def evaluate(self, model: nn.Module, data: Any) -> dict[str, float]:
        found = super().evaluate(model, data)
        return found | {"validation_loss": self.metric} if self.metric else found


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_diverge_in_the_last_step_of_an_epoch(
    value: float, stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(Diverged, match=r"epoch 2: .*weight is not finite; a smaller learning rate"):
        fit(network(), Poisoned(weight=value), stripes, recipe, folder=tmp_path)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1


def test_a_metric_that_is_not_finite(stripes: Dataset, network: Build, recipe: Recipe) -> None:
    with pytest.raises(Diverged, match="epoch 1: validation_loss is nan"):
        fit(network(), Poisoned(metric=float("nan")), stripes, recipe)


def test_weights_that_are_not_finite_before_the_first_step(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    model = network()
    next(model.parameters()).data.fill_(float("nan"))
    with pytest.raises(Diverged, match=r"before the first step: 0\.weight is not finite"):
        fit(model, ClassificationProblem(CLASSES), stripes, recipe.but(keep_start=True))


def test_the_time_limit_ends_a_run_within_an_epoch(
    stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path
) -> None:
    """After the step in which the time is up it is evaluated and saved; resumed, it goes on."""
    problem = ClassificationProblem(CLASSES)
    run = fit(network(), problem, stripes, recipe, folder=tmp_path, seconds=0.0)
    assert [(row["step"], row["epoch"]) for row in run.history] == [(1, 0.25)]
    assert run.best == run.history[0]
    assert (tmp_path / "checkpoint.safetensors").exists()
    again = fit(network(), problem, stripes, recipe, folder=tmp_path, resume=True, seconds=600)
    assert [row["epoch"] for row in again.history] == [0.25, 1, 2, 3]
    assert [row["step"] for row in again.history] == [1, 4, 8, 12]
    plain = fit(network(), problem, stripes, recipe)
    assert [row["top1"] for row in again.history[1:]] == [row["top1"] for row in plain.history]
    if again.best["step"] == plain.best["step"]:
        same(again.model, plain.model)


def test_batches_are_made_where_the_model_is(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    seen: list[Any] = []

    class Watched(ClassificationProblem):
        def batches(self, data: Any, recipe: Recipe, **options: Any) -> Iterator[Batch]:
            seen.append(options["device"])
            return super().batches(data, recipe, **options)

    fit(network(), Watched(CLASSES), stripes, recipe.but(epochs=1))
    assert seen == [torch.device("cpu")]
    problem = ClassificationProblem(CLASSES)
    meta = torch.device("meta")
    batch = next(problem.batches(stripes, recipe, seed=0, start=0, device=meta))
    assert batch.images.device.type == batch.targets.device.type == "meta"


def test_several_epochs_from_one_evaluation_to_the_next(
    stripes: Dataset, network: Build, recipe: Recipe
) -> None:
    """A small set is shown five times and evaluated after twice, four times, and at the end."""
    problem = Scored(0.1, 0.3, 0.2)
    problem.every = 2
    run = fit(network(), problem, stripes, recipe.but(epochs=5))
    assert [row["epoch"] for row in run.history] == [2, 4, 5]
    steps = run.history[-1]["step"] // 5
    assert [row["step"] for row in run.history] == [2 * steps, 4 * steps, 5 * steps]
    assert run.best["epoch"] == 4


@pytest.mark.parametrize(
    ("best", "last", "words"),
    [
        (3, 19.5, "epoch 3 of 19.5"),
        (20 / 3, 20 / 3, "epoch 6.7 of 6.7"),
        (0, 20 / 3, "nothing better in 6.7 epochs"),
        (0, 1, "nothing better in 1 epoch"),
        (0, 0.02, "nothing better in 0.02 epochs"),
        (100, 120, "epoch 100 of 120"),
    ],
)
def test_the_weights_that_are_kept_in_words(
    network: Build, recipe: Recipe, best: float, last: float, words: str
) -> None:
    assert Run(network(), recipe, ({"epoch": last},), {"epoch": best}).kept == words
