"""The pretrained network, its new classifier solved first, then its upper layers in small steps.

Starting from the solved classifier, and not from random weights, keeps the first steps from undoing
what the network knows; its batch-normalization statistics stay those of ImageNet. The lower layers
see edges and textures that all photographs share (Yosinski et al. 2014) and are frozen: what they
say of a few views of every image is computed once, and a step costs the upper layers alone.
"""

from typing import Literal

from torch import Tensor

from striate.approaches import transfer
from striate.approaches.heads import solve
from striate.approaches.outcome import Ask, Learned
from striate.approaches.scratch import epochs_for
from striate.data import Dataset, Decoded, native
from striate.errors import ModelError
from striate.images import View
from striate.models import Stages, above, classifier, create, cut, describe, folded
from striate.ops.memory import channels_last
from striate.progress import Clock
from striate.recognizer.recognizer import Before
from striate.tasks import UpperLayers
from striate.training import Recipe, fastest_device, fit, recipes

LEARNED = 0.4  # share of the network's multiply-adds that its upper layers may take
PARTS: tuple[Literal["train"], Literal["validation"]] = ("train", "validation")
VIEWS = 4  # of every image; a few dozen epochs of new ones gain nothing on a few hundred images


def view(dataset: Dataset, model: str | None = None) -> View:
    """The same as transfer's: the classifier it starts from was solved there."""
    return transfer.view(dataset, model)


def recipe_for(dataset: Dataset) -> Recipe:
    """Fewer epochs for more images; gray pictures are not mirrored."""
    _, gray = native(dataset)
    epochs = epochs_for(len(dataset.train), views=4_000, low=2, high=8)
    recipe = recipes.FINETUNE.but(epochs=epochs)
    return recipe.but(augmentation=recipes.CHARACTERS) if gray else recipe


def last_frozen(model: Stages, image_size: int) -> str:
    """The lowest stage behind which at most LEARNED of the multiply-adds lie."""
    rows = describe(model, image_size).stages
    total, behind = sum(row.multiply_adds for row in rows), 0
    for row in reversed(rows):
        if behind + row.multiply_adds > LEARNED * total:
            return row.name
        behind += row.multiply_adds
    raise ModelError(f"{model.name} computes nothing that could be frozen")


def learn(data: Decoded, ask: Ask) -> Learned:
    """Classifier solved on deep features, then the upper layers learned at the recipe's rates."""
    clock = Clock()
    dataset = data.dataset
    name = ask.model or transfer.PRETRAINED
    preprocessing = transfer.preprocessing_of(name, view(dataset, name))
    recipe = ask.recipe or recipe_for(dataset)
    recipe = recipe.but(epochs=ask.epochs) if ask.epochs else recipe
    with clock.stage("frozen layers"):
        model = create(name, classes=len(dataset.classes), weights=transfer.weights_of(name))
        assert isinstance(model, Stages)  # every network with published weights is one
        model.to(fastest_device())
        frozen = last_frozen(model, preprocessing.view.size)
        upper = above(model, frozen)
        task = UpperLayers(
            dataset.classes,
            cut(folded(model), frozen),
            preprocessing=preprocessing,
            views=min(VIEWS, recipe.epochs),
            augmentation=recipe.augmentation,
            seed=ask.seed,
        )
        task.prepare(data)
    with clock.stage("classifier"):
        read = channels_last(Before(folded(upper)))
        train, held_out = (task.answers(read, part).numpy() for part in PARTS)
        targets = (data.dataset.train.targets, data.dataset.validation.targets)
        head = solve(train, targets[0], held_out, targets[1], classes=len(dataset.classes))
        head.put_into(classifier(upper)[1])
    with clock.stage("train"):
        run = fit(upper, task, data, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed)
    with clock.stage("features"):
        read = channels_last(Before(folded(upper)))
        features: dict[str, Tensor] = {part: task.answers(read, part) for part in PARTS}
    epoch, epochs = int(run.best["epoch"]), int(run.history[-1]["epoch"])
    return Learned(
        model,
        {"name": name, "options": {}},
        preprocessing,
        recipe={**recipe.to_json(), "weights": transfer.weights_of(name), "frozen": frozen},
        seconds=clock.seconds,
        curve=run.history,
        notes=(
            f"{name}, what lies above {frozen}, "
            + (f"epoch {epoch} of {epochs}" if epoch else f"nothing better in {epochs} epochs"),
        ),
        features=features,
    )
