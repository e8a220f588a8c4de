"""The pretrained network, its new classifier solved first, then its upper layers in small steps."""

from striate.data import Decoded
from striate.inference import Preprocessing, fastest_device
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.heads import solve
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.beginning import balance_of
from striate.tasks.pictures.features import view
from striate.tasks.pictures.finetuning import tuned
from striate.tasks.pictures.problem import importance
from striate.tasks.pictures.starting import PRETRAINED, started, weights_of


def learn(data: Decoded, ask: Ask) -> Learned:
    """Classifier solved on deep features, then the upper layers learned at the recipe's rates."""
    clock = Clock()
    dataset = data.dataset
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    with clock.stage("frozen layers"):
        start = started(name, weights, len(dataset.classes))
        preprocessing = Preprocessing(view(dataset, name, weights), start.normalization)
        model = start.model.to(fastest_device())
    targets = (dataset.train.targets.single(), dataset.validation.targets.single())
    counts = importance(dataset.train, balance_of(ask))
    found = tuned(
        model,
        ClassificationProblem(dataset.classes, preprocessing=preprocessing),
        data,
        ask,
        clock,
        lambda train, held_out: solve(
            train,
            targets[0],
            held_out,
            targets[1],
            classes=len(dataset.classes),
            importance=counts,
        ),
    )
    made = Made(
        Network(
            model=model.eval(),
            architecture=start.architecture,
            preprocessing=preprocessing,
            classes=len(dataset.classes),
        ),
        recipe={**found.recipe, "weights": str(weights)},
        seconds=clock.seconds,
        network=name,
        history=found.history,
        notes=(found.note,),
        features=found.features,
    )
    return finished(made, data)
