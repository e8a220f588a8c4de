"""Published weights do here what their authors report: accuracy, and logits to the digit.

`python benchmarks/published_weights.py [--quick] [--json]`. An accuracy's ratio is ours to the
peer's, and its target what was asked, to the peer's as well. The ratio of torchvision's logits is
the allowed difference (1e-6) to the largest one found, 1e6 at most. Quick: a tenth of the CIFAR
images, two networks.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from _rows import Row, absent, compared, main
from PIL import Image
from torch import Tensor

from striate.errors import UserError
from striate.models import Normalization, create, entry, load_weights

SHARED = Path(os.environ.get("STRIATE_SHARED", Path(__file__).parents[2] / "shared"))
CIFAR = (("resnet20", "resnet20-12fca82f.th", 91.7, 91.5),
         ("resnet32", "resnet32-d509ac18.th", 92.6, 92.4))  # fmt: skip
OURS = {"alexnet": "alexnet_single", "googlenet": "googlenet_bn"}
ALLOWED = 1e-6


def measure(quick: bool) -> Iterator[Row]:
    """All rows, the quickest first."""
    torch.set_num_threads(1)
    yield from where_found("EfficientNet-Lite0, 100 photographs", "asked", efficientnet())
    yield from where_found("ResNets, CIFAR-10 test images", "authors", resnets(quick))
    yield from where_found("logits of torchvision", "allowed", logits(quick))


def where_found(case: str, peer: str, rows: Iterator[Row]) -> Iterator[Row]:
    """These rows, or the reason why there are none: files or packages that are not here."""
    try:
        yield from rows
    except (OSError, UserError) as error:
        yield absent(case, "%", peer, error)


def efficientnet() -> Iterator[Row]:
    images, classes = photographs(SHARED / "data/imagenet_sample")
    model = create("efficientnet_lite0", weights="imagenet").eval()
    found = answers(model, images, entry("efficientnet_lite0").normalization).topk(5).indices
    right = found == classes[:, None]
    case = "EfficientNet-Lite0, 100 photographs"
    yield accuracy(f"{case}, top-1", right[:, 0], 85.0, 85.0, "asked")
    yield accuracy(f"{case}, top-5", right.any(1), 95.0, 95.0, "asked")


def resnets(quick: bool) -> Iterator[Row]:
    images, classes = cifar_test(SHARED / "data/cifar10", 100 if quick else 1000)
    for name, file, authors, asked in CIFAR:
        model = create(name, weights=SHARED / "weights/resnet_cifar10" / file).eval()
        found = answers(model, images, entry(name).normalization).argmax(1)
        case = f"{name}, {len(images):,} CIFAR-10 test images"
        yield accuracy(case, found == classes, authors, asked, "authors")


def logits(quick: bool) -> Iterator[Row]:
    networks = json.loads((SHARED / "reference/torchvision.json").read_text())["networks"]
    for name in ("resnet18", "googlenet") if quick else networks:
        yield same_logits(name, networks[name])


def accuracy(case: str, right: Tensor, theirs: float, asked: float, peer: str) -> Row:
    """Per cent of right answers beside what the peer reports."""
    ours = 100 * right.float().mean().item()
    return compared(case, "%", ours, peer, theirs, target=round(asked / theirs, 4))


def answers(model: torch.nn.Module, images: Tensor, expects: Normalization) -> Tensor:
    """Logits of uint8 images (N, 3, H, W)."""
    model = model.to(memory_format=torch.channels_last)
    mean, std = (torch.tensor(values)[:, None, None] for values in (expects.mean, expects.std))
    with torch.inference_mode():
        return torch.cat([model((batch.float() - mean) / std) for batch in images.split(50)])


def photographs(folder: Path) -> tuple[Tensor, Tensor]:
    """Shorter side to 256, the middle 224 x 224, and the class of each photograph."""
    ids = (folder / "wnids.txt").read_text().split()
    paths = sorted((folder / "images").iterdir())
    images = []
    for path in paths:
        image = Image.open(path).convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
        left, top = ((side - 224) // 2 for side in image.size)
        images.append(np.asarray(image.crop((left, top, left + 224, top + 224))))
    classes = [ids.index(path.name.split("_")[0]) for path in paths]
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.tensor(classes)


def cifar_test(folder: Path, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` test images of each class, cut from the mosaics."""
    images, classes = [], []
    mosaics = sorted(folder.glob("test_*.webp"))
    if not mosaics:
        raise FileNotFoundError(f"{folder} has no test_*.webp")
    for path in mosaics:
        mosaic = np.asarray(Image.open(path).convert("RGB"))
        tiles = mosaic.reshape(mosaic.shape[0] // 32, 32, 50, 32, 3).swapaxes(1, 2)
        images.append(tiles.reshape(-1, 32, 32, 3)[:count])
        classes += [int(path.name.split("_")[1])] * count
    return torch.from_numpy(np.concatenate(images)).permute(0, 3, 1, 2), torch.tensor(classes)


def same_logits(name: str, network: dict) -> Row:
    """The largest difference of 16 logits, relative to the largest of them, in float64."""
    model = create(OURS.get(name, name)).double()
    path = Path("/tmp") / f"striate-{os.getpid()}-{name}.pth"
    try:
        torch.save(dict(remade(network["state"])), path)
        load_weights(model, path)
    finally:
        path.unlink(missing_ok=True)
    image = torch.from_numpy(np.random.RandomState(12345).standard_normal((1, 3, 224, 224)))
    with torch.inference_mode():
        logits = model.eval()(image)[0, :16]
    expected = torch.tensor(network["logits"], dtype=torch.float64)
    error = ((logits - expected).abs().max() / expected.abs().max()).item()
    case, ratio = f"{name}, logits of torchvision", ALLOWED / max(error, 1e-12)
    return compared(case, "", error, "allowed", ALLOWED, ratio=ratio, target=1.0)


def remade(state: Iterable[tuple[str, list[int]]]) -> Iterator[tuple[str, Tensor]]:
    """The tensors that reference/torchvision.json's rule describes."""
    for number, (key, shape) in enumerate(state):
        if key.endswith("num_batches_tracked"):
            yield key, torch.tensor(0)
            continue
        values = np.random.RandomState(number).standard_normal(shape)
        if len(shape) >= 2:
            values *= np.sqrt(2 / np.prod(shape[1:]))
        elif key.endswith("running_var"):
            values = 1 + 0.1 * abs(values)
        else:
            values = 0.1 * values + key.endswith(".weight")
        yield key, torch.from_numpy(values)


if __name__ == "__main__":
    main(measure, __doc__)
