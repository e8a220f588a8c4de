"""ResNet: the paper's tables, shortcut A, and the published CIFAR networks on real images."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from striate.errors import ModelError
from striate.models import create, describe, entry
from striate.models.skeletons import skeleton


def on_meta(name, **options):
    with skeleton():
        return create(name, **options).eval()


def weighted(model):
    return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        ("resnet18", 1.8),
        ("resnet34", 3.6),
        ("resnet50", 3.8),
        ("resnet101", 7.6),
        ("resnet152", 11.3),
    ],
)
def test_resnet_table_1(name, billions):
    # The bottleneck that strides in its 3 x 3 costs a little more than the paper's.
    cost = describe(name).multiply_adds / 1e9
    assert billions <= cost < billions + 0.3
    depth = int(name.removeprefix("resnet"))
    on_the_way = [m for n, m in on_meta(name).named_modules()
                  if isinstance(m, nn.Conv2d | nn.Linear) and "shortcut" not in n]  # fmt: skip
    assert len(on_the_way) == depth


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
def test_cifar_resnets_have_their_layers_and_shortcuts(depth):
    model = on_meta(f"resnet{depth}")
    assert len(weighted(model)) == depth  # 6n + 2, shortcut A has no weights
    projected = on_meta(f"resnet{depth}", shortcut="B")
    assert len(weighted(projected)) == depth + 2
    with pytest.raises(ModelError, match="shortcut must be 'A' or 'B'"):
        on_meta(f"resnet{depth}", shortcut="C")


def test_shortcut_a_is_every_other_pixel_and_zeros():
    model = create("resnet20")
    x = torch.randn(1, 16, 4, 4)
    y = model.stage2[0].shortcut(x)
    assert torch.equal(y[:, 8:24], x[:, :, ::2, ::2])
    assert not y[:, :8].any()
    assert not y[:, 24:].any()


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
