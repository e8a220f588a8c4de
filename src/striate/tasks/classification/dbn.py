"""Deep belief nets as classifiers (Hinton, Osindero & Teh 2006; Hinton & Salakhutdinov 2006).

Boltzmann machines learn from the pictures alone. Then back-propagation goes on from their weights,
or the labels are joined to the topmost machine, whose free energy tells the class.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from striate.augment import NONE
from striate.data import SMALL, Dataset, Decoded, bits_of, native
from striate.data.batches import Batch
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models import Normalization
from striate.models.dbn import DBN, HIDDEN, begin
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem, split
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.beginning import epochs_for
from striate.tasks.pictures.building import BELIEF, LABELED, build
from striate.tasks.pictures.stacking import MACHINE, Seen, Stack, named, stacked
from striate.training import Recipe, fit, seeded

# Back-propagation, for as many passes as each machine learns before it.
TUNED = Recipe(epochs=30, batch_size=200, learning_rate=1e-3, optimizer="adamw")
# Wake-sleep after it: small steps from what the machines have learned.
UP_DOWN = Recipe(epochs=30, batch_size=100, learning_rate=0.02, nesterov=False, weight_decay=2e-4)
LARGEST = 32  # pixels a side
MOST_UNITS = 100_000  # of a layer
PICTURES_SHOWN = 900_000  # in all passes of a layer
# Multiply-adds for a weight and a picture: up, down, up and the gradient of both ends; forward,
# backward and the gradient; and up, down and the gradient of each, with some steps at the top.
DIVERGENCE, BACKWARD, AWAKE_AND_ASLEEP = 5, 3, 12
GIBBS = 3  # steps in the topmost machine
STEPS, OVERHEAD = 3, 1.4  # products that are timed, and how much longer all else makes them


@dataclass(frozen=True)
class Machines:
    """What can be set beside the recipe of what follows.

    Attributes:
        hidden: units of each layer.
        passes: of each machine; as many as follow where None.
        rate: of machines of logistic units; those of real numbers have a fiftieth of it.
    """

    hidden: tuple[int, ...] = HIDDEN
    passes: int | None = None
    rate: float = MACHINE.learning_rate

    def __post_init__(self) -> None:
        if not self.hidden or not all(1 <= units <= MOST_UNITS for units in self.hidden):
            raise ValueError(f"hidden is one or more numbers from 1 to {MOST_UNITS:,}")
        if self.passes is not None and self.passes < 1:
            raise ValueError(f"passes is 1 or more, not {self.passes}")
        if not 0 < self.rate <= 1:
            raise ValueError(f"rate is above 0 and at most 1, not {self.rate:g}")


def choices_of(ask: Ask) -> Machines:
    """Those that are asked for."""
    return ask.choices if isinstance(ask.choices, Machines) else Machines()


def view(dataset: Dataset[Any]) -> View:
    """The whole picture, gray where it is, squeezed into a small square."""
    side, gray = native(dataset)
    return View(
        min(side, LARGEST), channels=1 if gray else 3, fit="squash", bits=bits_of(dataset.inputs)
    )


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture."""
    return (view(dataset),)


def seen(data: Decoded) -> tuple[Seen, bool]:
    """What the lowest machine learns from, and whether its units are real numbers: gray levels of
    small pictures are probabilities, those of photographs numbers of mean 0 and variance 1."""
    side, gray = native(data.dataset)
    shape, logistic = view(data.dataset), gray and side <= SMALL
    (train, targets), (held_out, wanted) = (
        split(data, shape, name) for name in ("train", "validation")
    )
    rule = (
        Preprocessing(shape, Normalization((0.0,), (255.0,)))
        if logistic
        else Preprocessing.measured(shape, train)
    )
    identity = {
        "data": data.dataset.fingerprint(),
        "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
        "preprocessing": rule.to_json(),
    }
    return Seen(train, held_out, rule, targets, wanted, identity), not logistic


def plan(dataset: Dataset[Any], ask: Ask, usual: Recipe) -> Recipe:
    """More passes and smaller batches for fewer pictures; the pictures as they are."""
    count = len(dataset.train)
    epochs = epochs_for(count, views=PICTURES_SHOWN, low=10, high=60)
    size = min(usual.batch_size, max(10, count // 50))
    recipe = ask.adjusted(ask.recipe or usual.but(epochs=epochs, batch_size=size))
    return recipe.but(augmentation=NONE)


def learn(data: Decoded, ask: Ask, *, pretrain: bool) -> Learned:
    """A network of logistic units, learned by back-propagation.

    Args:
        pretrain: begin with the weights of machines, or with random ones.
    """
    clock = Clock()
    recipe = plan(data.dataset, ask, TUNED)
    some, gaussian = seen(data)
    rule, classes = some.preprocessing, data.dataset.classes
    options = {
        "channels": rule.view.channels, "image_size": rule.view.size,
        "hidden": list(choices_of(ask).hidden),
    }  # fmt: skip
    begun = Begun.of(BELIEF, options, rule, classes, ask.seed)
    problem = ClassificationProblem(classes, preprocessing=rule)
    if not pretrain:
        return begun.learned(problem, data, recipe, ask, clock)
    with clock.stage("pre-train"):
        time_left = left(ask.seconds)
        stack = machines(some, recipe, ask, gaussian=gaussian, after=BACKWARD)
        begin(begun.model, stack.machines)
    ask = replace(ask, seconds=time_left())
    return begun.learned(problem, data, recipe, ask, clock, stack=stack)


def learn_labels(data: Decoded, ask: Ask) -> Learned:
    """Machines with the labels joined to the topmost, and then wake-sleep through all of them."""
    clock = Clock()
    recipe = plan(data.dataset, ask, UP_DOWN)
    some, gaussian = seen(data)
    rule, classes = some.preprocessing, data.dataset.classes
    shape = (rule.view.channels, rule.view.size, rule.view.size)
    options = {
        "shape": list(shape), "hidden": list(choices_of(ask).hidden), "gaussian": gaussian,
        "steps": GIBBS,
    }  # fmt: skip
    begun = Begun.of(LABELED, options, rule, classes, ask.seed)
    with clock.stage("pre-train"):
        time_left = left(ask.seconds)
        stack = machines(
            some, recipe, ask, gaussian=gaussian, labels=len(classes), after=AWAKE_AND_ASLEEP
        )
        learned = DBN.of(stack.machines, shape)
        begun.model.load_state_dict(learned.state_dict())
    ask = replace(ask, seconds=time_left())
    problem = UpDown(classes, preprocessing=rule)
    return begun.learned(problem, data, recipe, ask, clock, stack=stack)


def machines(
    some: Seen, recipe: Recipe, ask: Ask, *, gaussian: bool, after: int, labels: int = 0
) -> Stack:
    """A machine for each layer, learned for as many passes, from batches that are no larger.

    Args:
        after: products for a weight and a picture in each pass of what follows.
    """
    choices = choices_of(ask)
    passes = choices.passes or recipe.epochs
    share = DIVERGENCE * passes / (DIVERGENCE * passes + after * recipe.epochs)
    size = min(MACHINE.batch_size, recipe.batch_size)
    own = MACHINE.but(epochs=passes, batch_size=size, learning_rate=choices.rate)
    return stacked(
        some, choices.hidden, own,
        gaussian=gaussian, labels=labels, folder=ask.folder, resume=ask.resume, seed=ask.seed,
        seconds=None if ask.seconds is None else share * ask.seconds,
    )  # fmt: skip


def left(seconds: float | None) -> Callable[[], float | None]:
    """What is left of so many seconds from now on, whenever that is asked."""
    begun = time.monotonic()
    return lambda: None if seconds is None else max(0.0, seconds - (time.monotonic() - begun))


class UpDown(ClassificationProblem):
    """Wake-sleep, scored by the labels that the topmost machine finds likeliest."""

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        assert isinstance(model, DBN)
        return model.losses(batch.images, batch.targets)

    def learner(self, model: nn.Module) -> nn.Module:
        return model


@dataclass(frozen=True)
class Begun:
    """A network before it is tuned, and how it is built."""

    model: nn.Module
    architecture: dict[str, Any]
    preprocessing: Preprocessing

    @classmethod
    def of(
        cls, name: str, options: dict[str, Any], rule: Preprocessing, classes: Sequence[str],
        seed: int,
    ) -> "Begun":  # fmt: skip
        """With random weights."""
        architecture = {"name": name, "options": options}
        with seeded(seed):
            model = build(architecture, len(classes))
        return cls(model.to(fastest_device()), architecture, rule)

    def learned(
        self, problem: ClassificationProblem, data: Decoded, recipe: Recipe, ask: Ask,
        clock: Clock, *, stack: Stack | None = None,
    ) -> Learned:  # fmt: skip
        """Tuned and completed; the pass with the best validation score is kept."""
        folder = ask.folder
        if folder is not None:
            folder = folder / named("network", stack.machines if stack else ())
        with clock.stage("train"):
            run = fit(
                self.model, problem, data, recipe, folder=folder, resume=ask.resume, seed=ask.seed,
                seconds=ask.seconds,
            )  # fmt: skip
        name, size = self.architecture["name"], self.preprocessing.view.size
        layers = "-".join(map(str, choices_of(ask).hidden))
        notes = [f"{name} of {layers} units at {size} px, {run.kept}"]
        if stack is not None:
            kept = ", ".join(
                f"{max(0.0, rows[-1]['explained_variance']):.0%}" for rows in stack.histories
            )
            notes.append(
                "begun with stacked Boltzmann machines, one step of contrastive divergence; of "
                f"what they read they give back {kept} of the variance"
            )
        predictor = Network(
            model=self.model.eval(), architecture=self.architecture,
            preprocessing=self.preprocessing, classes=len(problem.classes),
        )  # fmt: skip
        return finished(
            Made(
                predictor, recipe=recipe.to_json(), seconds=clock.seconds,
                history=run.history, notes=tuple(notes),
            ),
            data,
        )  # fmt: skip


def lasts(data: Decoded, ask: Ask, seeds: int, *, usual: Recipe, pretrain: bool) -> float:
    """Seconds for all passes, from the products of each and how fast this machine forms some."""
    recipe = plan(data.dataset, ask, usual)
    shape = view(data.dataset)
    choices = choices_of(ask)
    widths = [shape.channels * shape.size**2, *choices.hidden]
    weights = sum(below * above for below, above in pairwise(widths))
    rows, weight = torch.rand(recipe.batch_size, widths[0]), torch.rand(widths[1], widths[0])
    times = []
    for _ in range(STEPS):
        before = time.perf_counter()
        rows @ weight.T
        times.append(time.perf_counter() - before)
    each = min(times) / (len(rows) * weight.numel())
    after = BACKWARD if usual is TUNED else AWAKE_AND_ASLEEP
    passes = (choices.passes or recipe.epochs) if pretrain else 0
    products = weights * (after * recipe.epochs + DIVERGENCE * passes)
    return seeds * OVERHEAD * each * products * len(data.dataset.train)
