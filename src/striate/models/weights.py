"""Weight files into networks, under whatever names a publisher gave the tensors.

A weight file is data from a stranger: its size is checked before it is opened, and nothing in it is
ever run (`torch.load(weights_only=True)` or safetensors).
"""

import logging
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from striate.errors import ModelError, WeightsError
from striate.layers.radial_basis import RBFOutput
from striate.models.layouts import LAYOUTS, translate
from striate.models.published import locate
from striate.models.surgery import decision, named, replace_head

logger = logging.getLogger(__name__)
MAX_BYTES = 4 * 2**30  # the largest network of the lectures has 0.6 GB


def load_weights(model: nn.Module, source: str | Path) -> nn.Module:
    """Fills a network with the weights of a file or of a published name; returns the network.

    The layouts of torchvision, of the CIFAR ResNets and of EfficientNet-Lite are known; so is any
    network's own `state_dict`. A file may hold all but the full connections: those then stay as
    they are, and a line of the log names them.

    Args:
        model: built with as many classes and channels as the file has.
        source: a path, or a name of `PUBLISHED` such as "efficientnet_lite0.imagenet".

    Raises:
        WeightsError: if the file is none, or does not fit; the line says which keys.
        MissingExtra: if the package that carries the weights is not installed.
    """
    path = locate(source)
    return fill(model, path, fit_names(model, read_state(path)))


def load_with_head(model: nn.Module, source: str | Path) -> int | None:
    """`load_weights` for a network whose classifier gives way to the file's; tells its classes."""
    path = locate(source)
    theirs = fit_names(model, read_state(path))
    name, ours = decision(model)
    head = theirs.get(f"{name}.{'targets' if isinstance(ours, RBFOutput) else 'weight'}")
    classes = None if head is None or head.ndim != 2 else len(head)
    if classes is not None and classes != ours.out_features:
        replace_head(model, classes)
    fill(model, path, theirs)
    return classes


def fill(model: nn.Module, path: Path, theirs: Mapping[str, Tensor]) -> nn.Module:
    """Puts tensors under our names into a network, whole or not at all."""
    ours = model.state_dict()
    counters = {key for key in ours if key.endswith("num_batches_tracked")}
    missing = [key for key in ours if key not in theirs and key not in counters]
    unexpected = [key for key in theirs if key not in ours]
    connections = [name for name, m in model.named_modules() if isinstance(m, nn.Linear)]
    lacking = [name for name in connections if f"{name}.weight" in missing]
    only_heads = len(lacking) == len(connections) and all(
        key.rpartition(".")[0] in connections for key in missing
    )
    if unexpected or (missing and not (only_heads and theirs)):
        raise WeightsError(
            f"{path.name} does not fit {named(model)}: missing {listed(missing)}; "
            f"unexpected {listed(unexpected)}; build the network the file was made for"
        )
    for key, tensor in theirs.items():
        if tensor.shape != ours[key].shape:
            raise WeightsError(misfit(model, path, key, tensor, ours[key]))
    if lacking:
        logger.warning("%s has no full connections: %s start fresh", path.name, ", ".join(lacking))
    model.load_state_dict({key: theirs.get(key, ours[key]) for key in ours})
    return model


def misfit(model: nn.Module, path: Path, key: str, theirs: Tensor, ours: Tensor) -> str:
    """One line about a tensor of another shape; in classes where it is the classifier's."""
    try:
        decides = key.startswith(decision(model)[0] + ".")
    except ModelError:  # a network without a classifier
        decides = False
    if decides:
        return (
            f"{path.name} tells {theirs.shape[0]} classes apart and the network {ours.shape[0]}; "
            f"build it with classes={theirs.shape[0]}, load, then replace_head(model, "
            f"{ours.shape[0]})"
        )
    return (
        f"{path.name} does not fit: {key} is {tuple(theirs.shape)} in the file and "
        f"{tuple(ours.shape)} in the network; build the network the file was made for"
    )


def fit_names(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's tensors under our names, by the layout that leaves the fewest keys over."""
    wanted = {key for key in model.state_dict() if not key.endswith("num_batches_tracked")}
    best: dict[str, str] = {}
    fewest = None
    for layout in LAYOUTS.values():
        names = translate(state, layout)
        over = len(wanted ^ {n for n in names.values() if not n.endswith("num_batches_tracked")})
        if fewest is None or over < fewest:
            best, fewest = names, over
    return {ours: state[theirs] for theirs, ours in best.items()}


def read_state(path: Path) -> dict[str, Tensor]:
    """The named tensors of a file, on the CPU.

    Raises:
        WeightsError: if the file is too large, or not a weight file.
    """
    check_size(path)
    try:
        with warnings.catch_warnings(action="ignore"):
            if path.suffix == ".safetensors":
                from safetensors.torch import load_file

                content: object = load_file(path)
            else:
                content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what a stranger's bytes make a parser raise is anyone's guess
        said = "" if isinstance(error, LookupError) else str(error)  # of those it is a bare key
        reason = (said.splitlines() or ["its bytes are something else"])[0][:120]
        raise WeightsError(
            f"{path} is not a weight file (a state dict or safetensors): {reason}"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    ):
        raise WeightsError(f"{path} holds no state dict: named tensors are expected")
    return dict(content)


def check_size(path: Path) -> None:
    """Refuses a file that is, or would unpack to be, larger than any network here."""
    size = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(part.file_size for part in archive.infolist()))
    if size > MAX_BYTES:
        raise WeightsError(
            f"{path} would take {size / 2**30:.1f} GB; weight files over "
            f"{MAX_BYTES / 2**30:.0f} GB are not opened"
        )


def listed(keys: list[str]) -> str:
    """A few keys and how many more there are."""
    if not keys:
        return "nothing"
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return ", ".join(keys[:3]) + more
