"""How each of the four approaches learns tags."""

from dataclasses import asdict, replace
from functools import partial
from typing import Any

from striate import handcrafted as features
from striate.data import SMALL, Dataset, Decoded, bits_of, native
from striate.data.splits import TRAIN, VALIDATION
from striate.evaluation import mean_average_precision
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.models import classifier
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures import features as deep
from striate.tasks.pictures.beginning import balance_of, trained
from striate.tasks.pictures.finetuning import tuned
from striate.tasks.pictures.problem import pixels_of
from striate.tasks.pictures.starting import PRETRAINED, Start, started, takes, weights_of
from striate.tasks.tags.finishing import Made, finished
from striate.tasks.tags.heads import counting, crossed, marks, solve
from striate.tasks.tags.predictor import TagNetwork, TagWords
from striate.tasks.tags.problem import TagProblem, problem

STRIPS = 3  # of a photograph that the classifier reads apart
LARGER = 1.5  # times the network's own side: small things have more pixels


def words_view(dataset: Dataset[Any]) -> View:
    """The whole picture, squeezed into a square; gray is enough."""
    side, _ = native(dataset)
    size = features.settings_for(side).side
    return View(size, channels=1, fit="squash", bits=bits_of(dataset.inputs))


def words_views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What visual words read of each picture."""
    return (words_view(dataset),)


def handcrafted(data: Decoded, ask: Ask) -> Learned:
    """Visual words and one support vector machine a class; kernel map and cost by validation."""
    clock, dataset = Clock(), data.dataset
    side, gray = native(dataset)
    shape = words_view(dataset)
    with clock.stage("learn"):
        model, report = features.fit(
            pixels_of(data, shape, "train"),
            marks(dataset, TRAIN),
            pixels_of(data, shape, "validation"),
            marks(dataset, VALIDATION),
            classes=len(dataset.classes),
            settings=features.settings_for(side),
            seed=ask.seed,
            mirror=not gray,
            importance=counting(dataset.train, marks(dataset, TRAIN), balance_of(ask)),
            score=lambda margins, wanted: mean_average_precision(margins.numpy(), wanted.numpy()),
        )
    chosen = asdict(report.best)
    made = Made(
        partial(TagWords.of, model, shape),
        recipe={"settings": asdict(model.settings), "chosen": chosen},
        seconds=clock.seconds,
        notes=(f"{chosen['mapping']} kernel map, cost {chosen['cost']:g}",),
    )
    return finished(made, data)


def view(dataset: Dataset[Any], ask: Ask) -> View:
    """As for one class, but all of a photograph and not its central square, and larger: a tag may
    be said of anything in it."""
    found = replace(deep.view(dataset, ask.network, ask.weights), fit="squash")
    name = ask.network or PRETRAINED
    larger = round(LARGER * found.size / 32) * 32
    if not strips_for(dataset) or not takes(name, larger, found.channels):
        return found
    return replace(found, size=larger)


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What a trained network reads of each picture."""
    return (view(dataset, ask),)


def strips_for(dataset: Dataset[Any]) -> int:
    """The strips that the classifier reads; of small pictures none."""
    side, _ = native(dataset)
    return STRIPS if side > SMALL else 0


def transfer(data: Decoded, ask: Ask) -> Learned:
    """The pretrained network as it is, with classifiers solved on its features of these images."""
    clock, dataset = Clock(), data.dataset
    name = ask.network or PRETRAINED
    weights, strips = weights_of(name, ask.weights), strips_for(dataset)
    start = started(name, weights, len(dataset.classes), strips=strips)
    preprocessing = Preprocessing(view(dataset, ask), start.normalization)
    found, seconds = deep.deep_features(data, name, weights, preprocessing, strips=strips)
    with clock.stage("classifier"):
        head, logits = crossed(found, dataset, balance=balance_of(ask))
        head.put_into(classifier(start.model)[1])
    made = Made(
        partial(network, start, preprocessing, len(dataset.classes)),
        recipe={"weights": str(weights), "strength": head.strength, "strips": strips},
        seconds={"features": seconds, **clock.seconds},
        network=name,
        notes=(f"{name}, {reading(strips)}, regularization {1 / head.strength:.3g}",),
        logits=head(found),
        held_out=logits,
    )
    return finished(made, data)


def finetune(data: Decoded, ask: Ask) -> Learned:
    """Classifiers solved on deep features, then the upper layers learned at the recipe's rates."""
    clock, dataset = Clock(), data.dataset
    name = ask.network or PRETRAINED
    weights, strips = weights_of(name, ask.weights), strips_for(dataset)
    with clock.stage("frozen layers"):
        start = started(name, weights, len(dataset.classes), strips=strips)
        preprocessing = Preprocessing(view(dataset, ask), start.normalization)
        start.model.to(fastest_device())
    found = tuned(
        start.model,
        TagProblem(dataset.classes, preprocessing=preprocessing),
        data,
        ask,
        clock,
        lambda train, held_out: solve(train, held_out, dataset, balance=balance_of(ask)),
    )
    made = Made(
        partial(network, start, preprocessing, len(dataset.classes)),
        recipe={**found.recipe, "weights": str(weights), "strips": strips},
        seconds=clock.seconds,
        network=name,
        history=found.history,
        notes=(f"{found.note}, {reading(strips)}",),
    )
    return finished(made, data)


def scratch(data: Decoded, ask: Ask) -> Learned:
    """Everything from the training images; the epoch with the best validation score is kept."""
    found = trained(data, ask, problem)
    made = Made(
        partial(network, found.start, found.preprocessing, len(data.dataset.classes)),
        recipe=found.recipe,
        seconds=found.seconds,
        network=found.name,
        history=found.history,
        notes=found.notes,
    )
    return finished(made, data)


def network(
    start: Start, preprocessing: Preprocessing, classes: int, calibration: Any
) -> TagNetwork:
    """What is deployed of a network that has learned."""
    return TagNetwork(
        model=start.model.eval().to(fastest_device()),
        architecture=start.architecture,
        preprocessing=preprocessing,
        classes=classes,
        calibration=calibration,
    )


def reading(strips: int) -> str:
    """What the classifier reads, in words."""
    return f"the whole picture and {strips} strips of it" if strips else "the whole picture"
