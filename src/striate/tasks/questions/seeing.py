"""The network that sees for what learns here: its weights stay as they are, and it looks at every
picture once."""

import numpy as np
from torch import Tensor

from striate.data import Dataset
from striate.data.questions import ReadQuestions
from striate.data.splits import TRAIN
from striate.errors import UserError
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import entry
from striate.models.pooled_maps import PooledMaps
from striate.progress import stage
from striate.tasks.backbones import fill, find_weights, normalization_for
from striate.tasks.contract import Ask
from striate.tasks.questions.eyes import TOGETHER, Eye

NETWORK = "efficientnet_lite0"
GRID = 1  # cells of the maps, each way, that means are taken over


def find(ask: Ask) -> None:
    """Sees that the weights of the network that sees can be had.

    Raises:
        MissingExtra, WeightsError, UserError: if not.
    """
    if ask.weights is None:
        raise UserError(
            "--weights none: a network that has learned nothing sees nothing; leave it out"
        )
    find_weights(NETWORK, ask)


def view(ask: Ask) -> View:
    """The whole picture in the size of its network, however long it is."""
    return View(entry(ask.network or NETWORK).image_size, fit="squash")


def views(dataset: Dataset, ask: Ask) -> tuple[View, ...]:
    """What is read of each picture."""
    return (view(ask),)


def eye_of(ask: Ask) -> Eye:
    """What sees, with its weights."""
    name = ask.network or NETWORK
    network = PooledMaps(name, grid=GRID)
    fill(network, name, ask.weights)
    preprocessing = Preprocessing(view(ask), normalization_for(name, ask.weights))
    return Eye(network.eval().to(fastest_device()), preprocessing)


def features_of(data: ReadQuestions, eye: Eye, key: str) -> Tensor:
    """(M, F) of the pictures of a set, computed once for all that learn on them; they are brought
    to the same scale by those of the training questions."""
    if key not in data.kept:
        pixels = data.pixels[eye.preprocessing.view]
        with stage("features of each picture", len(pixels)) as bar:
            data.kept[key] = outputs_of(
                eye.network, eye.preprocessing, pixels, batch_size=TOGETHER, bar=bar
            )
    plain: Tensor = data.kept[key]
    train = np.flatnonzero(data.dataset.split == TRAIN)
    eye.network.standardize(plain[np.unique(data.pictures[train])])
    return eye.network.scaled(plain)
