"""The ways to learn a style, from photographs and a painting to a painter."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from striate.augment import Augmentation, Crops, Spread
from striate.data import Dataset
from striate.data.splits import TRAIN, VALIDATION
from striate.images import View
from striate.inference import fastest_device
from striate.progress import Clock
from striate.style.pictures import tensor_of
from striate.tasks.contract import Ask, Learned
from striate.tasks.style.answers import Pixels
from striate.tasks.style.judging import SIDE, VIEW, Judge
from striate.tasks.style.painter import Painter, network
from striate.tasks.style.problem import CHOSEN_ON, Photographs, StyleProblem
from striate.tasks.style.reinhard import ColorStatistics
from striate.tasks.style.scores import spread, summary
from striate.training import Recipe, fit
from striate.training.modes import seeded

CROP = 128  # pixels of the squares that are learned from
SHOWN = 1600  # photographs that are shown in all, about ten minutes of one core
EVALUATIONS = 8  # in the course of learning
FRAME = 96  # pixels of a kept frame
SLOW = {"network": "image_transformation", "width": 32, "blocks": 5, "published": True}
FAST = {"network": "image_transformation", "width": 16, "blocks": 5, "published": False}

VIEWS = Augmentation(Spread(mirror=0.5), crops=Crops(window=CROP, sides=(SIDE, SIDE)))
RECIPE = Recipe(
    epochs=2,
    batch_size=2,
    learning_rate=2e-3,
    optimizer="adamw",
    schedule="cosine",
    warmup=0.05,
    augmentation=VIEWS,
)


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    return (VIEW,)


def colors(data: Photographs, ask: Ask) -> Learned:
    """Color statistics, which are the painting's alone."""
    clock, judge = Clock(), judge_in(data)
    model = ColorStatistics()
    with clock.stage("learn"):
        model.fit(tensor_of(judge.painting))
    painter = Painter(model, {"network": "colors"}, judge.painting, judge.judging)
    rows = spread(data.rows(VALIDATION), CHOSEN_ON)
    pictures = [data.squares[row] for row in rows]
    judged = tuple(judge(photo, painter.painted(photo)) for photo in pictures)
    return Learned(painter, summary(judged), clock.seconds, network=judge.judging.network)


def feedforward(data: Photographs, ask: Ask, *, architecture: dict[str, Any] = FAST) -> Learned:
    """A network that paints in one pass."""
    clock, judge = Clock(), judge_in(data)
    count = len(data.rows(TRAIN))
    epochs = max(1, round(SHOWN / count))
    recipe = ask.adjusted(ask.recipe or RECIPE.but(epochs=epochs))
    problem = StyleProblem(
        judge, CROP, every=max(1, recipe.epochs // EVALUATIONS), folder=ask.folder
    )
    with seeded(ask.seed):
        model = network(architecture)
    with clock.stage("learn"):
        model.to(fastest_device())
        run = fit(
            model, problem, data, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    painter = Painter(
        model.cpu(), architecture, judge.painting, judge.judging, film(problem, ask.folder)
    )
    painter.to(str(fastest_device()))
    return Learned(
        painter,
        {name: run.best[name] for name in ("removed", "style_left", "content_lost")},
        clock.seconds,
        network=judge.judging.network,
        history=run.history,
        recipe=recipe.to_json(),
    )


def judge_in(data: Photographs) -> Judge:
    assert data.judge is not None  # `Task.prepare` made one for these plans
    return data.judge


def film(problem: StyleProblem, folder: Path | None) -> Pixels:
    """(E, FRAME, FRAME, 3) uint8: what one photograph became, also before a run was stopped."""
    frames = problem.frames
    if folder is not None:
        frames = [np.asarray(Image.open(path)) for path in sorted(folder.glob("painted/*.png"))]
    small = (Image.fromarray(frame).resize((FRAME, FRAME)) for frame in frames)
    return np.stack([np.asarray(each) for each in small])
