"""Networks to learn on, and the weights that they start from."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from striate.errors import ModelError, StriateError, UserError, WeightsError, one_line
from striate.inference import Preprocessing
from striate.models import Normalization, create, entry, normalization_of
from striate.models.backbone import network_stages
from striate.models.multilevel import by_means, multilevel
from striate.models.networks import source_of
from striate.models.published import locate
from striate.models.regional import regional
from striate.models.skeletons import skeleton, undrawn
from striate.models.surgery import classifier, replace_head
from striate.tasks.contract import PUBLISHED, Ask
from striate.tasks.pictures.building import build
from striate.tasks.pictures.predictor import same_kinds
from striate.tensors import load_tensors, see_finite

PRETRAINED = "efficientnet_lite0"
NETWORK = "network"  # the kind of predictor, of any task, that is built by `build`
COARSE = 8  # pixels from one place of a map to the next, at least, where it is read for textures
NARROW = (32, 64, 128)  # widths of airbench that two CPU cores teach in minutes


class Start(NamedTuple):
    """A network before the first step.

    Attributes:
        architecture: how it is built, as `Network` keeps it.
        normalization: what its weights expect of a pixel.
    """

    model: nn.Module
    architecture: dict[str, Any]
    normalization: Normalization


def options_for(name: str) -> dict[str, Any]:
    """How a network is built, beside classes and channels."""
    return {"widths": NARROW} if name == "airbench" else {}


def weights_of(name: str, weights: str | Path | None) -> str | Path:
    """The weights that are asked for: a name of the network's, or a path.

    Raises:
        ModelError: if there are none.
        UserError: if random ones are asked for.
    """
    if weights is None:
        raise UserError("--weights none: this method starts from trained weights; leave it out")
    if weights != PUBLISHED:
        return weights
    known = entry(name)
    if not known.weights:
        raise ModelError(
            f"no pretrained weights are published for {name}; try {PRETRAINED}, or give a file of "
            "your own as --weights"
        )
    return known.weights[0]


def find(ask: Ask) -> None:
    """Makes sure that network and weights are here, fetching them if need be.

    Raises:
        MissingExtra, WeightsError: if they cannot be had: better now than after an hour's work.
        ModelError: if the network has no classifier that could be solved.
    """
    name = ask.network or PRETRAINED
    locate(source_of(name, weights_of(name, ask.weights)))
    with skeleton():
        last = classifier(create(name))[1]
    if type(last) is not nn.Linear or last.bias is None:
        raise ModelError(
            f"the classifier of {name} is not linear with a bias; take another network"
        )


def started(
    name: str, weights: str | Path, classes: int, *, strips: int = 0, several: bool = False
) -> Start:
    """A network with trained weights and a classifier for so many classes.

    Args:
        weights: a name of the network's, or the path of a weight file or of a recognizer.
        strips: of the picture that the classifier reads apart (`regional`); 0 leaves it as the
            network has it.
        several: the classifier reads several maps (`multilevel`), where the network's own reads the
            mean of the last one; else it stays as it is.

    Raises:
        WeightsError: if they do not fit the network.
    """
    source = source_of(name, weights)
    known = _recognizer_in(Path(source), name) if Path(source).is_file() else None
    if known is not None:
        start = _as_published(known, name, classes)
    else:
        options = options_for(name)
        model = create(name, classes=classes, weights=weights, **options)
        normalization = normalization_of(source) or entry(name).normalization
        start = Start(model, {"name": name, "options": options}, normalization)
    if strips:
        return start._replace(
            model=regional(start.model, strips, classes=classes),
            architecture={**start.architecture, "strips": strips},
        )
    return reading(start, maps_to_read(name, start.model), classes) if several else start


def reading(start: Start, maps: Sequence[str], classes: int) -> Start:
    """The same with a classifier that reads those maps, too; without any it stays."""
    if not maps:
        return start
    return start._replace(
        model=multilevel(start.model, maps, classes=classes),
        architecture={**start.architecture, "maps": list(maps)},
    )


def maps_to_read(name: str, model: nn.Module) -> tuple[str, ...]:
    """The maps, coarse enough to tell of parts and textures, that a classifier reads beside the
    last one's means; none where the network's own classifier reads something else."""
    if not by_means(model):
        return ()
    return tuple(
        stage.name for stage in network_stages(name) if stage.stride >= COARSE and not stage.pooling
    )


def _as_published(known: "Known", name: str, classes: int) -> Start:
    """The network of a recognizer as its paper has it, with a classifier for so many classes."""
    about = {k: v for k, v in known.architecture.items() if k not in ("strips", "maps")}
    model = known.model
    if about != known.architecture:  # the stages that its classifier has left out are new
        model = create(name, classes=classes, **about.get("options", {}))
        own = model.state_dict()
        learned = {
            key: tensor
            for key, tensor in known.model.state_dict().items()
            if key in own and tensor.shape == own[key].shape
        }
        model.load_state_dict({**own, **learned})
        model.eval()
    elif classes != known.classes:
        replace_head(model, classes)
    return Start(model, about, known.preprocessing.normalization)


def channels_of(name: str, weights: str | Path | None) -> int:
    """How many channels of an image a network with these weights reads."""
    path = Path(weights) if weights is not None and weights != PUBLISHED else None
    known = _recognizer_in(path, name) if path is not None and path.is_file() else None
    return entry(name).channels if known is None else known.preprocessing.view.channels


class Known(NamedTuple):
    """The network in a recognizer's file."""

    model: nn.Module
    architecture: dict[str, Any]
    preprocessing: Preprocessing
    classes: int


def _recognizer_in(path: Path, name: str) -> Known | None:
    """The network of a recognizer's file, of whatever task; None where it is another file.

    Raises:
        WeightsError: if it is another network, or damaged.
    """
    try:
        tensors, header = load_tensors(path)
    except WeightsError:  # not one of ours: a weight file, or nothing; that is found out later
        return None
    about = header.get("predictor")
    if not isinstance(about, dict) or header.get("kind") != NETWORK:
        return None
    try:
        architecture = about["architecture"]
        if (theirs := architecture["name"]) != name:
            raise WeightsError(f"{path} holds {one_line(theirs)}, not {name}; name it as --network")
        preprocessing, classes = (
            Preprocessing.from_json(about["preprocessing"]), len(header["names"])
        )  # fmt: skip
        with skeleton():
            expected = build(architecture, classes).state_dict()
        own = {name: tensor for name, tensor in tensors.items() if name in expected}
        same_kinds(expected, own)
        with undrawn():
            model = build(architecture, classes)
        model.load_state_dict(own)
        see_finite(own)
        return Known(model.eval(), architecture, preprocessing, classes)
    except WeightsError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RuntimeError,
            StriateError) as error:  # fmt: skip
        raise WeightsError(f"{path} is a damaged recognizer file ({one_line(error)})") from error


@lru_cache
def takes(name: str, side: int, channels: int) -> bool:
    """Whether a network computes pictures of this side, though it was built for another."""
    try:
        with undrawn(), torch.no_grad():
            model = create(name, channels=channels, **options_for(name)).eval()
            model(torch.empty(0, channels, side, side))
    except (RuntimeError, ModelError):
        return False
    return True


def side_for(name: str, side: int, channels: int = 3) -> int:
    """The side of the pictures that a network learns from: `side` where that is less than its own
    and it can compute it; else its own."""
    own = entry(name).image_size
    return min(side, own) if takes(name, min(side, own), channels) else own
