"""The weights that the backbone of a dense task starts with, and how pixels come to it then."""

from pathlib import Path

from torch import nn

from striate.errors import WeightsError
from striate.models import Normalization, create, entry, normalization_of
from striate.models.networks import source_of
from striate.models.published import locate
from striate.tasks.contract import PUBLISHED, Ask


def trained_weights(network: str, weights: str | Path | None) -> str | Path | None:
    """What `striate.models.create` takes: PUBLISHED as the name of those weights.

    Raises:
        WeightsError: if none are published for this network.
    """
    if weights != PUBLISHED:
        return weights
    known = entry(network).weights
    if not known:
        raise WeightsError(
            f"no weights are published for {network}; give --weights the path of a file, or none "
            "to begin with random ones"
        )
    return known[0]


def find_weights(network: str, ask: Ask) -> None:
    """Sees before any work that the weights can be had.

    Raises:
        MissingExtra, WeightsError, UnknownName: if not.
    """
    weights = trained_weights(ask.network or network, ask.weights)
    if weights is not None:
        locate(source_of(ask.network or network, weights))


def normalization_for(network: str, weights: str | Path | None) -> Normalization:
    """How pixels come to a network that has these weights."""
    weights = trained_weights(network, weights)
    found = None if weights is None else normalization_of(source_of(network, weights))
    return found or entry(network).normalization


def fill(model: nn.Module, network: str, weights: str | Path | None) -> None:
    """Gives the stages in `model.backbone` the weights of the whole network, and its head those of
    full connections fc6 and fc7 where they are of the same size, as in VGG-16.

    Raises:
        MissingExtra, WeightsError: if the weights are not to be had.
    """
    whole = create(network, weights=trained_weights(network, weights)).state_dict()
    stages = model.get_submodule("backbone.stages")
    stages.load_state_dict({name: whole[name] for name in stages.state_dict()})
    mine = model.state_dict()
    for layer in ("fc6", "fc7"):
        for part in ("weight", "bias"):
            ours, theirs = mine.get(f"head.{layer}.{part}"), whole.get(f"{layer}.0.{part}")
            if ours is not None and theirs is not None and ours.shape == theirs.shape:
                ours.copy_(theirs)
