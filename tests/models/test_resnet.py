"""The published CIFAR networks on real images of the test set."""

import numpy as np
import pytest
import torch
from PIL import Image

from striate.models import create, entry


def cifar_test(folder, count):
    """The first `count` test images of each class, and their classes."""
    images, classes = [], []
    for path in sorted(folder.glob("test_*.webp")):
        mosaic = np.asarray(Image.open(path).convert("RGB"))
        rows = mosaic.shape[0] // 32
        tiles = mosaic.reshape(rows, 32, 50, 32, 3).swapaxes(1, 2).reshape(-1, 32, 32, 3)
        images.append(tiles[:count])
        classes += [int(path.name.split("_")[1])] * count
    return torch.from_numpy(np.concatenate(images)).permute(0, 3, 1, 2), torch.tensor(classes)


@pytest.mark.parametrize(
    ("name", "file", "least"),
    [("resnet20", "resnet20-12fca82f.th", 0.90), ("resnet32", "resnet32-d509ac18.th", 0.90)],
)
def test_published_weights_recognize_a_thousand_images(name, file, least, shared):
    images, classes = cifar_test(shared("data/cifar10"), 100)
    expects = entry(name).normalization
    mean, std = (torch.tensor(v)[:, None, None] for v in (expects.mean, expects.std))
    model = create(name, weights=shared("weights/resnet_cifar10") / file).eval()
    with torch.inference_mode():
        predicted = torch.cat([model((b.float() - mean) / std) for b in images.split(250)]).argmax(
            1
        )
    assert (predicted == classes).float().mean() >= least
