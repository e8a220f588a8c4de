"""A network with random weights: which, how large its pictures are, and how it learns."""

from collections.abc import Callable
from typing import Any, NamedTuple

from striate.data import SMALL, Dataset, Decoded, bits_of, native
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models import create, entry
from striate.models.networks import sized
from striate.models.resnet import WIDTH
from striate.progress import Clock
from striate.tasks.contract import Ask
from striate.tasks.pictures.problem import PictureProblem, pixels_of
from striate.tasks.pictures.starting import Start, options_for
from striate.training import Recipe, fit, recipes, seeded
from striate.training.precision import precision_on

PHOTOGRAPH_SIDE = 96  # px; a step at 112 takes a third longer, and scores are no better
HALF = {"resnet18": {"width": WIDTH // 2}}
"""Networks that are half as wide where nobody names them: so ResNet-18 learns as much from hundreds
of photographs, in two fifths of the time."""


def network(dataset: Dataset[Any]) -> str:
    """LeNet-5 for characters, airbench for small pictures in color, a ResNet-18 for photographs."""
    side, gray = native(dataset)
    if side > SMALL:
        return "resnet18"
    return "lenet5" if gray else "airbench"


def view(dataset: Dataset[Any], name: str | None = None) -> View:
    """The network's own size where a person names it, and for small pictures; for photographs else
    PHOTOGRAPH_SIDE.

    Args:
        name: of the network that a person names.
    """
    side, gray = native(dataset)
    chosen = name or network(dataset)
    channels = 1 if gray and side <= SMALL else 3
    size = entry(chosen).image_size
    if chosen == "lenet5" and 28 < side <= SMALL:
        size = 32
    elif side > SMALL and name is None:
        size = PHOTOGRAPH_SIDE
    return View(size, channels=channels, fit="squash", bits=bits_of(dataset.inputs))


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture: to learn from, and in use."""
    name = ask.network or network(dataset)
    both = plan(dataset, ask, name).augmentation.views(view(dataset, ask.network))
    return tuple(dict.fromkeys(both))


def plan(dataset: Dataset[Any], ask: Ask, name: str) -> Recipe:
    """The recipe that is asked for, or the usual one, with the settings that are asked for."""
    return ask.adjusted(ask.recipe or recipe_for(dataset, name, view(dataset, ask.network).size))


def balance_of(ask: Ask) -> float:
    """How far classes count alike where a classifier is solved (`Recipe.balance`)."""
    return ask.adjusted(ask.recipe or recipes.SCRATCH).balance


def recipe_for(dataset: Dataset[Any], name: str, size: int) -> Recipe:
    """More epochs for fewer images, and for those of a small side; characters are not mirrored.

    Args:
        size: what the network reads of each picture, pixels.
    """
    side, gray = native(dataset)
    count = len(dataset.train)
    if name in recipes.USUAL:
        usual = recipes.USUAL[name]
        return usual.but(epochs=epochs_for(count, views=9_000, low=8, high=usual.epochs))
    if name == "airbench":
        return recipes.AIRBENCH.but(epochs=epochs_for(count, views=250_000, low=6, high=40))
    if side > SMALL:
        views, most = (15_500, 60) if size <= PHOTOGRAPH_SIDE else (9_000, 40)
        epochs = epochs_for(count, views=views, low=8, high=most)
        recipe = recipes.SCRATCH.but(epochs=epochs, patience=max(8, epochs // 2))
    else:
        recipe = recipes.SCRATCH_SMALL.but(epochs=epochs_for(count, views=60_000, low=6, high=50))
    return recipe.but(augmentation=recipes.CHARACTERS if gray else recipes.PHOTOGRAPHS)


def epochs_for(count: int, *, views: int, low: int, high: int) -> int:
    """Epochs that show about `views` images in all, within bounds.

    >>> epochs_for(600, views=9_000, low=8, high=40)
    15
    """
    return min(high, max(low, round(views / max(count, 1))))


class Begun(NamedTuple):
    """Everything before the first step."""

    name: str
    recipe: Recipe
    start: Start
    notes: tuple[str, ...]
    problem: PictureProblem


Asked = Callable[[tuple[str, ...], Preprocessing, View], PictureProblem]
"""From the names of the classes, what the network takes, and the view that it learns from."""


def begun(data: Decoded, ask: Ask, asked: Asked) -> Begun:
    """The network with random weights, and how it is to learn."""
    dataset = data.dataset
    name = ask.network or network(dataset)
    recipe = plan(dataset, ask, name)
    learning, shape = recipe.augmentation.views(view(dataset, ask.network))
    pixels = pixels_of(data, learning, "train")
    with seeded(ask.seed):
        own = {} if ask.network else HALF.get(name, {})
        start, notes = _start(name, shape, dataset.classes, pixels, own)
        if own:
            notes = ("half as wide as published", *notes)
    problem = asked(dataset.classes, Preprocessing(shape, start.normalization), learning)
    start.model.to(fastest_device())
    return Begun(name, recipe.fitted(pixels), start, notes, problem)


class Trained(NamedTuple):
    """A network that has learned from nothing but the training images.

    Attributes:
        recipe: as plain JSON values.
        seconds: of each stage.
    """

    name: str
    start: Start
    preprocessing: Preprocessing
    recipe: dict[str, Any]
    seconds: dict[str, float]
    history: tuple[dict[str, float], ...]
    notes: tuple[str, ...]


def trained(data: Decoded, ask: Ask, asked: Asked) -> Trained:
    """Everything from the training images; the epoch with the best validation score is kept."""
    clock = Clock()
    name, recipe, start, notes, problem = begun(data, ask, asked)
    with clock.stage("train"):
        run = fit(
            start.model, problem, data, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    start.model.eval()
    precision = precision_on(fastest_device(), recipe.precision)
    return Trained(
        name,
        start,
        problem.preprocessing,
        {**recipe.to_json(), "precision": precision, "weights": "random"},
        clock.seconds,
        run.history,
        (
            f"{name} at {problem.preprocessing.view.size} px, {run.kept}",
            *notes,
        ),
    )


def _start(
    name: str, shape: View, classes: tuple[str, ...], pixels: Any, own: dict[str, Any]
) -> tuple[Start, tuple[str, ...]]:
    """The network before the first step, and what a person should know of it.

    Args:
        own: options of the network.
    """
    known = entry(name)
    chosen, notes = known.choices(classes)
    sizes = sized(name, shape.size)
    options = {"channels": shape.channels, **options_for(name), **own, **sizes, **chosen}
    model = create(name, classes=len(classes), **options)
    measured = Preprocessing.measured(shape, pixels).normalization
    return Start(model, {"name": name, "options": options}, known.learned(measured)), notes
