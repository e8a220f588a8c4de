"""LeNet-5: the paper's counts (row C1), and that both forms learn real digits."""

import gzip

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.layers.radial_basis import RBFOutput
from striate.models import create, describe, entry, replace_head
from striate.models.lenet import PadTo


def test_the_papers_trainable_parameters():
    rows = {row.name: row.parameters for row in describe("lenet5_1998").stages}
    counts = {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "output": 0}
    assert {name: rows[name] for name in counts} == counts
    assert sum(counts.values()) == 60_000


def test_the_papers_connections():
    # Section II.B: C1 122,304, S2 5,880, C3 151,600, S4 2,000 connections, biases included; a
    # multiply-add is one connection that has a weight of its own.
    rows = {row.name: row for row in describe("lenet5_1998").stages}
    assert rows["c1"].multiply_adds + 6 * 28 * 28 == 122_304
    assert rows["c3"].multiply_adds + 16 * 10 * 10 == 151_600


def test_the_paper_reads_background_as_minus_a_tenth():
    normalization = entry("lenet5_1998").normalization
    ends = [(value - normalization.mean[0]) / normalization.std[0] for value in (0, 255)]
    assert ends == pytest.approx([-0.1, 1.175])


def test_small_images_get_a_border():
    padded = PadTo(5, value=-1.0)(torch.zeros(1, 1, 2, 3))
    assert padded[0, 0].tolist() == [
        [-1, -1, -1, -1, -1],
        [-1, 0, 0, 0, -1],
        [-1, 0, 0, 0, -1],
        [-1, -1, -1, -1, -1],
        [-1, -1, -1, -1, -1],
    ]
    images = torch.zeros(1, 1, 5, 6)
    assert PadTo(5)(images) is images


def test_the_papers_digits_stand_on_its_background():
    model = create("lenet5_1998")
    assert model.pad(torch.ones(1, 1, 28, 28))[0, 0, 0, 0].item() == pytest.approx(-0.1)


def test_28_and_32_pixels_are_the_same_network():
    model = create("lenet5").eval()
    images = torch.randn(2, 1, 28, 28)
    padded = torch.nn.functional.pad(images, (2, 2, 2, 2))
    torch.testing.assert_close(model(images), model(padded))


def test_a_new_head_of_the_faithful_form_has_new_targets():
    model = replace_head(create("lenet5_1998"), 4)
    assert isinstance(model.output, RBFOutput)
    assert model(torch.zeros(1, 1, 28, 28)).shape == (1, 4)


@pytest.mark.parametrize(("name", "size"), [("lenet5", 15), ("lenet5_1998", 28)])
def test_sizes_that_leave_nothing(name, size):
    with pytest.raises(ModelError, match=f"image_size {size}"):
        create(name, image_size=size)


def digits(folder, part):
    """(N, 1, 28, 28) float in [0, 255], and the classes."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.from_numpy(pixels.astype(np.float32)), torch.from_numpy(labels.astype(np.int64))


@pytest.mark.parametrize(("name", "least"), [("lenet5", 0.9), ("lenet5_1998", 0.8)])
def test_learns_digits(name, least, shared):
    images, classes = digits(shared("data/mnist"), "train")
    expects = entry(name).normalization
    model = create(name)
    optimizer = torch.optim.SGD(model.parameters(), 0.002, momentum=0.9)
    if name == "lenet5":
        optimizer = torch.optim.Adam(model.parameters(), 0.002)
    for batch in torch.randperm(len(images))[: 64 * 200].split(64):
        normal = (images[batch] - expects.mean[0]) / expects.std[0]
        loss = nn.functional.cross_entropy(model(normal), classes[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images, classes = digits(shared("data/mnist"), "t10k")
    with torch.no_grad():
        normal = (images[:2000] - expects.mean[0]) / expects.std[0]
        predicted = model.eval()(normal).argmax(1)
    assert (predicted == classes[:2000]).float().mean() > least
