"""Two methods: a line that is solved at once, and a tiny network that learns by steps."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brightness.predictors import VIEW, Line, Tiny, tiny
from brightness.scores import share
from striate.data import Decoded
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import evaluating, fastest_device
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned, Method
from striate.training import Problem, Recipe, fit, seeded

RECIPE = Recipe(epochs=40, batch_size=8, learning_rate=0.02, optimizer="adamw", threads=1)
CPU = torch.device("cpu")


class Batch(NamedTuple):
    """Pixels (N, 1, 8, 8) in [0, 1] and numbers (N,)."""

    pixels: Tensor
    numbers: Tensor


def rows(data: Decoded, split: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixels (n, 1, 8, 8) and numbers (n,) of a split."""
    some = np.flatnonzero(data.dataset.split == split)
    pixels = data.pixels[VIEW][some].transpose(0, 3, 1, 2).astype(np.float32) / 255
    return pixels, data.dataset.targets.values[some].astype(np.float32)


class Bright(Problem[Decoded, Batch]):
    """The squared error."""

    score = "share"

    def prepare(self, data: Decoded) -> Decoded:
        return data

    def examples(self, data: Decoded) -> int:
        return len(rows(data, TRAIN)[0])

    def batches(
        self, data: Decoded, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        pixels, numbers = map(torch.from_numpy, rows(data, TRAIN))
        step = start
        while True:
            random = np.random.default_rng([seed, step])
            chosen = torch.from_numpy(random.integers(0, len(pixels), recipe.batch_size))
            yield Batch(pixels[chosen].to(device), numbers[chosen].to(device))
            step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        return {"squared error": ((model(batch.pixels)[:, 0] - batch.numbers) ** 2).mean()}

    def evaluate(self, model: nn.Module, data: Decoded) -> dict[str, float]:
        pixels, numbers = rows(data, VALIDATION)
        device = next(model.parameters()).device
        with evaluating(model):
            given = model(torch.from_numpy(pixels).to(device))[:, 0].cpu().numpy()
        return {"share": share(given, numbers), "error": float(np.abs(given - numbers).mean())}

    def identity(self, data: Decoded) -> dict[str, Any]:
        return {"data": data.dataset.fingerprint(), "split": data.dataset.split.tolist()}


def learn_line(data: Decoded, ask: Ask) -> Learned:
    """Least squares."""
    clock = Clock()
    with clock.stage("solve"):
        pixels, numbers = rows(data, TRAIN)
        means = pixels.mean((1, 2, 3))
        slope, offset = np.polyfit(means, numbers, 1)
    predictor = Line(Line.build())
    with torch.no_grad():
        predictor.model[2].weight.fill_(slope)
        predictor.model[2].bias.fill_(offset)
    held_out, truth = rows(data, VALIDATION)
    given = slope * held_out.mean((1, 2, 3)) + offset
    note = f"brightness is {offset:.3f} + {slope:.3f} times the mean pixel"
    return Learned(predictor, {"share": share(given, truth)}, clock.seconds, notes=(note,))


def learn_tiny(data: Decoded, ask: Ask) -> Learned:
    """Gradient steps; the epoch that is best on validation is kept."""
    clock = Clock()
    recipe = ask.recipe or RECIPE
    recipe = recipe.but(epochs=ask.epochs) if ask.epochs else recipe
    with seeded(ask.seed):
        model = tiny().to(fastest_device())
    with clock.stage("train"):
        run = fit(
            model, Bright(), data, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed,
            seconds=ask.seconds,
        )  # fmt: skip
    kept = {name: run.best[name] for name in ("share", "error")}
    return Learned(
        Tiny(model), kept, clock.seconds, "tiny", run.history, recipe.to_json(),
        notes=(f"epoch {run.best['epoch']:.0f}",),
    )  # fmt: skip


METHODS = {
    "line": Method("A straight line", "handcrafted", learn_line, views=lambda *_: (VIEW,)),
    "tiny": Method(
        "A tiny network", "scratch", learn_tiny, networks=("tiny",), by_epochs=True,
        views=lambda *_: (VIEW,),
    ),
}  # fmt: skip
