"""The ways to learn a style, from photographs and a painting to a painter."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from striate.augment import Augmentation, Crops, Spread
from striate.data import Dataset
from striate.data.names import counted
from striate.data.splits import TRAIN, VALIDATION
from striate.images import View
from striate.inference import fastest_device
from striate.ops.memory import channels_last
from striate.progress import Clock, track
from striate.style.pictures import tensor_of
from striate.tasks.contract import Ask, Learned
from striate.tasks.style.choices import Network
from striate.tasks.style.judging import SIDE, VIEW, Judge
from striate.tasks.style.painter import Painter, network
from striate.tasks.style.problem import CHOSEN_ON, PICTURES, Photographs, StyleProblem, save
from striate.tasks.style.reinhard import ColorStatistics
from striate.tasks.style.scores import spread, summary
from striate.training import Recipe, fit
from striate.training.modes import seeded

CROP = 128  # pixels of the squares that are learned from
SHOWN = 1600  # photographs that are shown in all, about ten minutes of one core
EVALUATIONS = 8  # in the course of learning
DESCENDED, ITERATIONS = 2, 50  # validation photographs that L-BFGS is tried on, and how long

VIEWS = Augmentation(Spread(mirror=0.5), crops=Crops(window=CROP, sides=(SIDE, SIDE)))
RECIPE = Recipe(
    epochs=2,
    batch_size=1,
    learning_rate=1e-3,
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


def feedforward(data: Photographs, ask: Ask, *, published: bool = False) -> Learned:
    """A network that paints in one pass."""
    clock, judge = Clock(), judge_in(data)
    choices = ask.choices
    assert isinstance(choices, Network)
    architecture = {
        "network": "image_transformation", "width": choices.width, "blocks": choices.blocks,
        "published": published,
    }  # fmt: skip
    count = len(data.rows(TRAIN))
    epochs = max(1, round(SHOWN / count))
    recipe = ask.adjusted(ask.recipe or RECIPE.but(epochs=epochs))
    problem = StyleProblem(
        judge, CROP, every=max(1, recipe.epochs // EVALUATIONS), folder=kept_in(ask)
    )
    with seeded(ask.seed):
        model = channels_last(network(architecture))
    with clock.stage("learn"):
        model.to(fastest_device())
        run = fit(
            model, problem, data, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    painter = Painter(model.cpu(), architecture, judge.painting, judge.judging)
    painter.to(str(fastest_device()))
    with clock.stage("descend beside"):
        notes = beside_descent(judge, painter, data, kept_in(ask))
    return Learned(
        painter,
        {name: run.best[name] for name in ("removed", "gain", "style_left", "content_lost")},
        clock.seconds,
        network=judge.judging.network,
        history=run.history,
        recipe={**recipe.to_json(), **asdict(choices)},
        notes=notes,
    )


def kept_in(ask: Ask) -> Path | None:
    """The folder of a run's pictures."""
    return None if ask.folder is None else ask.folder / PICTURES


def beside_descent(
    judge: Judge, painter: Painter, data: Photographs, folder: Path | None
) -> tuple[str, ...]:
    """What L-BFGS reaches with the same losses, on a few validation photographs; their pictures are
    kept."""
    rows = spread(data.rows(VALIDATION), DESCENDED)
    reached = []
    for number, row in enumerate(track(rows, "descend beside")):
        photo = data.squares[row]
        forms = {"painted": painter.painted(photo), "descended": judge.descended(photo, ITERATIONS)}
        reached.append([judge(photo, form).removed for form in forms.values()])
        if folder is not None:
            for name, picture in {"photograph": photo, **forms}.items():
                save(picture, folder / f"beside-{number}-{name}.png")
    ours, theirs = (100 * float(np.mean(each)) for each in zip(*reached, strict=True))
    shown = counted(len(rows), "validation photograph")
    return (
        f"on {shown} it removes {ours:.1f} % of the loss, and L-BFGS with {ITERATIONS} iterations "
        f"on each of them {theirs:.1f} %",
    )


def judge_in(data: Photographs) -> Judge:
    assert data.judge is not None  # `Task.prepare` made one for these plans
    return data.judge
