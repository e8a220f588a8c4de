"""The pretrained network, its new classifier solved first, then its upper layers in small steps.

Starting from the solved classifier, and not from random weights, keeps the first steps from undoing
what the network has learned; its batch-normalization statistics stay those of ImageNet. The lower
layers respond to edges and textures that all photographs share (Yosinski et al. 2014) and are
frozen: their maps of a few views of every image are computed once, and a step costs the upper
layers alone.
"""

from typing import Any, Literal

from torch import Tensor

from striate.data import Dataset, Decoded, native
from striate.errors import ModelError
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models import Stages, above, classifier, cut, describe, folded
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.progress import Clock
from striate.tasks.classification import transfer
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.heads import solve
from striate.tasks.classification.network import Network
from striate.tasks.classification.scratch import epochs_for
from striate.tasks.classification.starting import PRETRAINED, started, weights_of
from striate.tasks.classification.upper_layers import UpperLayers
from striate.tasks.contract import Ask, Learned
from striate.training import Recipe, fit, recipes

LEARNED = 0.4  # share of the network's multiply-adds that its upper layers may take
PARTS: tuple[Literal["train"], Literal["validation"]] = ("train", "validation")
VIEWS = 4  # of every image; a few dozen epochs of new ones gain nothing on a few hundred images


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture: the same as transfer, for the classifier that it starts from
    is solved in the same way."""
    return transfer.views(dataset, ask)


def recipe_for(dataset: Dataset[Any]) -> Recipe:
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
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    recipe = ask.adjusted(ask.recipe or recipe_for(dataset))
    with clock.stage("frozen layers"):
        start = started(name, weights, len(dataset.classes))
        preprocessing = Preprocessing(transfer.view(dataset, name, weights), start.normalization)
        model = start.model.to(fastest_device())
        assert isinstance(model, Stages)  # every network with a name is one
        frozen = last_frozen(model, preprocessing.view.size)
        upper = above(model, frozen)
        problem = UpperLayers(
            dataset.classes,
            cut(folded(model), frozen),
            preprocessing=preprocessing,
            views=min(VIEWS, recipe.epochs),
            augmentation=recipe.augmentation,
            seed=ask.seed,
        )
        problem.prepare(data)
    with clock.stage("classifier"):
        read = channels_last(Before(folded(upper)))
        train, held_out = (problem.outputs(read, part).flatten(1).numpy() for part in PARTS)
        targets = (dataset.train.targets.single(), dataset.validation.targets.single())
        head = solve(train, targets[0], held_out, targets[1], classes=len(dataset.classes))
        head.put_into(classifier(upper)[1])
    left = None if ask.seconds is None else max(0.0, ask.seconds - sum(clock.seconds.values()))
    with clock.stage("train"):
        run = fit(
            upper, problem, data, recipe,
            folder=ask.folder, resume=ask.resume, seed=ask.seed, seconds=left,
        )  # fmt: skip
    with clock.stage("features"):
        read = channels_last(Before(folded(upper)))
        features: dict[str, Tensor] = {p: problem.outputs(read, p).flatten(1) for p in PARTS}
    best, last = run.best["epoch"], run.history[-1]["epoch"]
    made = Made(
        Network(
            model=model.eval(),
            architecture=start.architecture,
            preprocessing=preprocessing,
            classes=len(dataset.classes),
        ),
        recipe={**recipe.to_json(), "weights": str(weights), "frozen": frozen},
        seconds=clock.seconds,
        network=name,
        history=run.history,
        notes=(
            f"{name}, what lies above {frozen}, "
            + (f"epoch {best:g} of {last:g}" if best else f"nothing better in {last:g} epochs"),
        ),
        features=features,
    )
    return finished(made, data)
