"""A network with random weights that sees nothing but the training images."""

from typing import Any, NamedTuple

from striate.data import SMALL, Dataset, Decoded, bits_of, native
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models import create, entry
from striate.models.networks import sized
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem, split
from striate.tasks.classification.starting import Start, options_for
from striate.tasks.contract import Ask, Learned
from striate.training import Recipe, fit, recipes, seeded

PHOTOGRAPH_SIDE = 112


def network(dataset: Dataset[Any]) -> str:
    """LeNet-5 for characters, airbench for small pictures in color, ResNet-18 for photographs."""
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
    return ask.adjusted(ask.recipe or recipe_for(dataset, name))


def recipe_for(dataset: Dataset[Any], name: str) -> Recipe:
    """More epochs for fewer images; characters are not mirrored."""
    side, gray = native(dataset)
    count = len(dataset.train)
    if name in recipes.USUAL:
        usual = recipes.USUAL[name]
        return usual.but(epochs=epochs_for(count, views=9_000, low=8, high=usual.epochs))
    if name == "airbench":
        return recipes.AIRBENCH.but(epochs=epochs_for(count, views=250_000, low=6, high=40))
    if side > SMALL:
        recipe = recipes.SCRATCH.but(epochs=epochs_for(count, views=9_000, low=8, high=40))
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
    problem: ClassificationProblem


def begun(data: Decoded, ask: Ask) -> Begun:
    """The network with random weights, and how it is to learn."""
    dataset = data.dataset
    name = ask.network or network(dataset)
    recipe = plan(dataset, ask, name)
    learning, shape = recipe.augmentation.views(view(dataset, ask.network))
    pixels, _ = split(data, learning, "train")
    with seeded(ask.seed):
        start, notes = _start(name, shape, dataset.classes, pixels)
    problem = ClassificationProblem(
        dataset.classes,
        preprocessing=Preprocessing(shape, start.normalization),
        learned_from=learning,
    )
    start.model.to(fastest_device())
    return Begun(name, recipe.fitted(pixels), start, notes, problem)


def learn(data: Decoded, ask: Ask) -> Learned:
    """Everything from the training images; the epoch with the best validation score is kept."""
    clock = Clock()
    name, recipe, start, notes, problem = begun(data, ask)
    model, preprocessing = start.model, problem.preprocessing
    with clock.stage("train"):
        run = fit(
            model, problem, data, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=ask.seconds,
        )  # fmt: skip
    made = Made(
        Network(
            model=model.eval(),
            architecture=start.architecture,
            preprocessing=preprocessing,
            classes=len(data.dataset.classes),
        ),
        recipe={**recipe.to_json(), "weights": "random"},
        seconds=clock.seconds,
        network=name,
        history=run.history,
        notes=(
            f"{name} at {preprocessing.view.size} px, epoch {run.best['epoch']:g} of "
            f"{run.history[-1]['epoch']:g}",
            *notes,
        ),
    )
    return finished(made, data)


def _start(
    name: str, shape: View, classes: tuple[str, ...], pixels: Any
) -> tuple[Start, tuple[str, ...]]:
    """The network before the first step, and what a person should know of it."""
    known = entry(name)
    chosen, notes = known.choices(classes)
    sizes = sized(name, shape.size)
    options = {"channels": shape.channels, **options_for(name), **sizes, **chosen}
    model = create(name, classes=len(classes), **options)
    measured = Preprocessing.measured(shape, pixels).normalization
    return Start(model, {"name": name, "options": options}, known.learned(measured)), notes
