"""Trains the LeNet-5 of the service's page: `python scripts/digits_network.py MNIST_FOLDER [OUT]`.

MNIST_FOLDER holds the four idx files of MNIST. What comes out is a recognizer as any other, whose
file the page reads by itself. One core takes about five minutes; the file that is shipped says of
itself (`provenance`) with which recipe it was made and how it scored on the test images. Drawn
digits differ from written ones in their slant and proportions more than in anything else, so the
views vary those twice as much as is best for MNIST alone.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import data
from striate.augment import Augmentation, Spread
from striate.evaluation import top_k
from striate.images import View
from striate.inference import Preprocessing, outputs_of
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem, split
from striate.tasks.labels.calibration import Calibration
from striate.tasks.table import TASKS
from striate.training import fit, recipes, seeded

FILE = Path(__file__).parents[1] / "src/striate/serving/page/digits/lenet5.safetensors"
INK = Preprocessing(
    View(28, channels=1, fit="squash"), Normalization((0.0,), (255.0,))
)  # paper 0, ink 1
RECIPE = recipes.SCRATCH_SMALL.but(
    epochs=12,
    augmentation=Augmentation(Spread(rotation=12, zoom=0.12, stretch=0.2, shear=12, shift=0.05)),
)


def trained(folder: Path, *, seed: int = 0) -> Recognizer:
    """The recognizer, calibrated on validation images and tested once."""
    digits = data.decode(data.open(folder), [INK.view])
    classes = digits.dataset.classes
    with seeded(seed):
        model = create("lenet5", classes=len(classes))
    run = fit(model, ClassificationProblem(classes, preprocessing=INK), digits, RECIPE, seed=seed)

    def answers(name: str) -> tuple[Tensor, NDArray[np.int64]]:
        pixels, targets = split(digits, INK.view, name)
        return outputs_of(model, INK, pixels), targets

    logits, targets = answers("validation")
    calibration = Calibration.fitted(logits, torch.from_numpy(targets))
    logits, targets = answers("test")
    provenance = {
        "data": "MNIST (LeCun, Cortes, Burges)",
        "command": "python scripts/digits_network.py",
        "seed": seed,
        "recipe": RECIPE.to_json(),
        "epoch": int(run.best["epoch"]),
        "test": {"images": len(targets), "top1": top_k(logits.numpy(), targets)},
    }
    predictor = Network(
        model=model,
        architecture={"name": "lenet5", "options": {}},
        preprocessing=INK,
        classes=len(classes),
        calibration=calibration,
    )
    return Recognizer(TASKS["classification"], predictor, classes, provenance)


if __name__ == "__main__":
    recognizer = trained(Path(sys.argv[1]))
    recognizer.save(sys.argv[2] if len(sys.argv) > 2 else FILE)
    print(recognizer.provenance["test"])
