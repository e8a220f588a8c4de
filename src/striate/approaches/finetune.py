"""The pretrained network, its new classifier solved first, then all of it in small steps.

Starting from the solved classifier, and not from random weights, keeps the first steps from undoing
what the network knows; its batch-normalization statistics stay those of ImageNet.
"""

from striate.approaches import transfer
from striate.approaches.outcome import Ask, Clock, Learned
from striate.approaches.scratch import epochs_for
from striate.data import Dataset, Decoded
from striate.images import View
from striate.models import classifier, create
from striate.tasks import Classification
from striate.tasks.classification import native
from striate.training import Recipe, fit, recipes


def view(dataset: Dataset, model: str | None = None) -> View:
    """The same as transfer's: the classifier it starts from was solved there."""
    return transfer.view(dataset, model)


def recipe_for(dataset: Dataset) -> Recipe:
    """Fewer epochs for more images; gray pictures are not mirrored."""
    _, gray = native(dataset)
    recipe = recipes.FINETUNE.but(epochs=epochs_for(len(dataset.train), views=3_000, low=2, high=8))
    if gray:  # far from ImageNet: its statistics do not hold, and steps would run away with them
        return recipe.but(augmentation=recipes.CHARACTERS, freeze_statistics=False)
    return recipe


def learn(data: Decoded, ask: Ask) -> Learned:
    """Head solved on deep features, then everything learned at the recipe's rates."""
    clock = Clock()
    dataset = data.dataset
    name = ask.model or transfer.PRETRAINED
    preprocessing = transfer.preprocessing_of(name, view(dataset, name))
    recipe = ask.recipe or recipe_for(dataset)
    recipe = recipe.but(epochs=ask.epochs) if ask.epochs else recipe
    features, seconds = transfer.deep_features(data, name, preprocessing)
    with clock.stage("classifier"):
        head = transfer.solved_head(dataset, features)
        model = create(name, classes=len(dataset.classes), weights=transfer.weights_of(name))
        head.put_into(classifier(model)[1])
    task = Classification(dataset.classes, preprocessing=preprocessing)
    with clock.stage("train"):
        run = fit(model, task, data, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed)
    return Learned(
        model,
        {"name": name, "options": {}},
        preprocessing,
        recipe={**recipe.to_json(), "weights": transfer.weights_of(name)},
        seconds={"features": seconds, **clock.seconds},
        curve=run.history,
        notes=(f"{name}, epoch {run.best['epoch']:.0f} of {len(run.history)}",),
    )
