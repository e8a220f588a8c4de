"""A ConvNet from random weights, whose size follows the images."""

from typing import Any

from striate.approaches.outcome import Ask, Learned
from striate.data import SMALL, Dataset, Decoded, native
from striate.images import View
from striate.models import create, entry
from striate.progress import Clock
from striate.tasks import Classification
from striate.tasks.classification import split
from striate.training import Preprocessing, Recipe, fastest_device, fit, recipes, seeded

PHOTOGRAPH_SIDE = 112


NARROW = (32, 64, 128)  # widths of airbench that two CPU cores teach in minutes


def network(dataset: Dataset) -> str:
    """LeNet-5 for characters, airbench for small pictures in color, ResNet-18 for photographs."""
    side, gray = native(dataset)
    if side > SMALL:
        return "resnet18"
    return "lenet5" if gray else "airbench"


def options_for(name: str) -> dict[str, Any]:
    """How a network is built beside classes and channels."""
    return {"widths": NARROW} if name == "airbench" else {}


def view(dataset: Dataset, model: str | None = None) -> View:
    """The network's own size for small pictures (28 or 32 px), PHOTOGRAPH_SIDE for photographs."""
    side, gray = native(dataset)
    if side > SMALL:
        return View(PHOTOGRAPH_SIDE, fit="squash")
    name = model or network(dataset)
    size = entry(name).image_size if name != "lenet5" else (28 if side <= 28 else 32)
    return View(size, channels=1 if gray else 3, fit="squash")


def recipe_for(dataset: Dataset, name: str) -> Recipe:
    """More epochs for fewer images; characters are not mirrored."""
    side, gray = native(dataset)
    count = len(dataset.train)
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


def learn(data: Decoded, ask: Ask) -> Learned:
    """Everything from the training images; the epoch with the best validation score is kept."""
    clock = Clock()
    dataset = data.dataset
    name = ask.model or network(dataset)
    shape = view(dataset, name)
    recipe = ask.recipe or recipe_for(dataset, name)
    recipe = recipe.but(epochs=ask.epochs) if ask.epochs else recipe
    preprocessing = Preprocessing.measured(shape, split(data, shape, "train")[0])
    with seeded(ask.seed):
        options = {"channels": shape.channels, **options_for(name)}
        model = create(name, classes=len(dataset.classes), **options).to(fastest_device())
    task = Classification(dataset.classes, preprocessing=preprocessing)
    with clock.stage("train"):
        run = fit(model, task, data, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed)
    return Learned(
        model,
        {"name": name, "options": options},
        preprocessing,
        recipe=recipe.to_json(),
        seconds=clock.seconds,
        curve=run.history,
        notes=(f"{name} at {shape.size} px, epoch {run.best['epoch']:.0f} of {len(run.history)}",),
    )
