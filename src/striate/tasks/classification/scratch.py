"""A network with random weights that sees nothing but the training images."""

from striate.data import Decoded
from striate.images import View
from striate.inference import Preprocessing
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.beginning import trained


def problem(
    classes: tuple[str, ...], preprocessing: Preprocessing, learned_from: View
) -> ClassificationProblem:
    """What the network learns."""
    return ClassificationProblem(classes, preprocessing=preprocessing, learned_from=learned_from)


def learn(data: Decoded, ask: Ask) -> Learned:
    """Everything from the training images; the epoch with the best validation score is kept."""
    found = trained(data, ask, problem)
    made = Made(
        Network(
            model=found.start.model,
            architecture=found.start.architecture,
            preprocessing=found.preprocessing,
            classes=len(data.dataset.classes),
        ),
        recipe=found.recipe,
        seconds=found.seconds,
        network=found.name,
        history=found.history,
        notes=found.notes,
    )
    return finished(made, data)
