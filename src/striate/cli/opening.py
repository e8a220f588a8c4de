"""MODEL and IMAGE of a command, opened: a recognizer, or a network with published weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from striate.errors import ImageError, UnknownName

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from striate.recognizer import Recognizer
    from striate.training import Preprocessing

Network = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A recognizer (.safetensors), or a network that has published weights.",
        show_default=False,
    ),
]


def recognizer_of(model: str) -> "Recognizer":
    """The recognizer in a file; or a network with its published weights, by its name.

    Raises:
        UnknownName: if it is neither.
    """
    from striate.images import View
    from striate.models import NETWORKS, PUBLISHED, create, normalization_of
    from striate.recognizer import Recognizer, load_trained
    from striate.training import Preprocessing

    if Path(model).suffix or len(Path(model).parts) > 1 or Path(model).exists():
        return load_trained(model)
    trained = [name for name, entry in NETWORKS.items() if entry.weights]
    if model not in trained:
        raise UnknownName("file, and no network with published weights,", model, trained)
    entry = NETWORKS[model]
    weights = entry.weights[0]
    published = PUBLISHED[f"{model}.{weights}"]
    network = create(model, weights=weights)
    norm = normalization_of(f"{model}.{weights}") or entry.normalization
    view = View(entry.image_size, channels=entry.channels)
    return Recognizer(
        network,
        {"name": model, "options": {}},
        Preprocessing(view, norm.mean, norm.std, norm.bgr),
        classes_of(weights, published.classes),
        provenance={"weights": f"{model}.{weights}"},
    )


def classes_of(data: str, count: int) -> tuple[str, ...]:
    """The class names of a published set, in the order of its networks' outputs."""
    from striate import models

    if data == "imagenet":
        names = (Path(models.__file__).parent / "imagenet.txt").read_text(encoding="utf-8")
        return tuple(names.splitlines())
    if data == "cifar10":
        return (
            "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship",
            "truck",
        )  # fmt: skip
    return tuple(str(number) for number in range(count))


def picture_of(path: str, preprocessing: "Preprocessing") -> "NDArray[Any]":
    """What the network is shown of a picture: (S, S, C) uint8.

    Raises:
        ImageError: if it cannot be read; with its path.
    """
    from striate import images

    try:
        return images.render(images.load(path), [preprocessing.view])[0]
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error
