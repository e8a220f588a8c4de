"""What else the protocol carries: detection, a game of two, pretraining layer by layer."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.inference import evaluating
from striate.training import Objective, Problem, Recipe, fit, train

RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=0.02)


class Points(Problem[Tensor, Tensor]):
    """Rows of a tensor as data; the last quarter is for validation."""

    def prepare(self, data: Tensor) -> Tensor:
        return data

    def examples(self, data: Tensor) -> int:
        return len(data) * 3 // 4

    def batches(
        self, data: Tensor, recipe: Recipe, *, seed: int, start: int, **where: Any
    ) -> Iterator[Tensor]:
        step = start
        while True:
            generator = torch.Generator().manual_seed(1000 * seed + step)
            rows = torch.randint(self.examples(data), (recipe.batch_size,), generator=generator)
            yield data[rows]
            step += 1

    def identity(self, data: Tensor) -> dict[str, Any]:
        return {"data": float(data.sum())}


class Detection(Points):
    """Rows (N, 10): four features, objectness, class, four offsets."""

    score = "precision"

    def losses(self, model: nn.Module, batch: Tensor, recipe: Recipe = RECIPE) -> dict[str, Tensor]:
        inputs, objectness, classes, offsets = batch.split([4, 1, 1, 4], 1)
        out = model(inputs)  # (N, 1 + 2 + 4 + 4)
        return {
            "objectness": F.binary_cross_entropy_with_logits(out[:, :1], objectness),
            "proposal_offsets": F.smooth_l1_loss(out[:, 3:7], offsets),
            "class_scores": F.cross_entropy(out[:, 1:3], classes[:, 0].long()),
            "box_offsets": F.smooth_l1_loss(out[:, 7:], offsets),
        }

    def evaluate(self, model: nn.Module, data: Tensor) -> dict[str, float]:
        with evaluating(model):
            losses = self.losses(model, data[self.examples(data) :])
        each = {name: float(loss) for name, loss in losses.items()}
        return each | {"precision": -sum(each.values())}


class Game(Points):
    """A maker and a judge: two objectives, each with an optimizer of its own."""

    score = "likeness"

    def losses(self, model: nn.Module, batch: Tensor, recipe: Recipe = RECIPE) -> dict[str, Tensor]:
        return self.told_apart(model, batch) | self.taken_in(model, batch)

    def made(self, model: Any, count: int) -> Tensor:
        return model.maker(torch.randn(count, 2))

    def told_apart(self, model: Any, batch: Tensor) -> dict[str, Tensor]:
        true, false = model.judge(batch), model.judge(self.made(model, len(batch)).detach())
        return {"judge": F.softplus(-true).mean() + F.softplus(false).mean()}

    def taken_in(self, model: Any, batch: Tensor) -> dict[str, Tensor]:
        return {"maker": F.softplus(-model.judge(self.made(model, len(batch)))).mean()}

    def objectives(self, model: Any, recipe: Recipe, steps: int) -> Sequence[Objective[Tensor]]:
        judge = torch.optim.Adam(model.judge.parameters(), recipe.learning_rate)
        maker = torch.optim.Adam(model.maker.parameters(), recipe.learning_rate)
        return [
            Objective(lambda batch: self.told_apart(model, batch), judge),
            Objective(lambda batch: self.taken_in(model, batch), maker),
        ]

    def evaluate(self, model: nn.Module, data: Tensor) -> dict[str, float]:
        with evaluating(model):
            distance = (self.made(model, 64).mean(0) - data.mean(0)).norm()
        return {"likeness": -float(distance)}


def players() -> nn.Module:
    torch.manual_seed(2)
    game = nn.Module()
    game.maker = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 2))
    game.judge = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    return game


def test_detection_has_four_named_losses_and_learns() -> None:
    inputs = torch.randn(64, 4)
    truth = (inputs[:, :1] > 0).float()
    rows = torch.cat([inputs, truth, truth, 0.5 * inputs], 1)
    run = fit(nn.Linear(4, 11), Detection(), rows, RECIPE.but(epochs=10))
    first, last = run.history[0], run.history[-1]
    for name in ("objectness", "proposal_offsets", "class_scores", "box_offsets"):
        assert last[name] < first[name]
    (step,) = islice(
        train(
            Detection().objectives(nn.Linear(4, 11), RECIPE, 1),
            Detection().batches(rows, RECIPE, seed=0, start=0),
        ),
        1,
    )
    assert list(step.losses) == ["objectness", "proposal_offsets", "class_scores", "box_offsets"]


def test_a_game_of_two_is_played_killed_and_taken_up(tmp_path: Path) -> None:
    rows = torch.randn(40, 2) + 3

    class Fragile(Game):
        def evaluate(self, model: nn.Module, data: Tensor) -> dict[str, float]:
            if (tmp_path / "killed" / "checkpoint.safetensors").exists():
                raise KeyError("killed in the second epoch")
            return super().evaluate(model, data)

    recipe = RECIPE.but(epochs=6)
    whole = fit(players(), Game(), rows, recipe, folder=tmp_path / "whole")
    with pytest.raises(KeyError):
        fit(players(), Fragile(), rows, recipe, folder=tmp_path / "killed")
    again = fit(players(), Game(), rows, recipe, folder=tmp_path / "killed", resume=True)
    assert again.history == whole.history
    assert again.best["likeness"] > whole.history[0]["likeness"]
    for one, two in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(one, two)


def test_layers_are_pretrained_one_after_the_other() -> None:
    torch.manual_seed(0)
    batches = [torch.randn(16, 3) @ torch.randn(3, 6) for _ in range(1)] * 120
    layers = nn.ModuleList([nn.Linear(6, 4), nn.Linear(4, 3)])
    for depth, layer in enumerate(layers):
        before = [parameter.detach().clone() for parameter in layers[:depth].parameters()]
        back = nn.Linear(layer.out_features, layer.in_features)

        def rebuilt(
            batch: Tensor, depth: int = depth, layer: Any = layer, back: nn.Module = back
        ) -> dict[str, Tensor]:
            with torch.no_grad():
                for below in layers[:depth]:
                    batch = below(batch)
            return {f"layer{depth + 1}": F.mse_loss(back(layer(batch)), batch)}

        optimizer = torch.optim.Adam([*layer.parameters(), *back.parameters()], 0.02)
        losses = [
            float(step.losses[f"layer{depth + 1}"])
            for step in train([Objective(rebuilt, optimizer)], batches)
        ]
        assert losses[-1] < 0.2 * losses[0]
        for old, new in zip(before, layers[:depth].parameters(), strict=True):
            assert torch.equal(old, new)
