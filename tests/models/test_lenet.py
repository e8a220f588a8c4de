"""LeNet-5: the paper's counts (row C1), and that both forms learn real digits."""

import gzip
import json
import math

import numpy as np
import pytest
import torch

from striate.errors import ModelError
from striate.layers import LENET5_C3
from striate.layers.radial_basis import RUBBISH, RBFOutput, digit_targets
from striate.models import Normalization, classifier, create, describe, entry, replace_head
from striate.models.lenet import PadTo
from striate.models.surgery import Before, decision


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
    assert not torch.equal(replace_head(model, 10).output.targets, digit_targets())


def test_first_weights_are_uniform_within_2_4_over_the_fan_in():
    # Section II.B; of C3 each map has its own fan-in: 3, 4 or 6 of the six maps, 5 x 5 of each.
    torch.manual_seed(0)
    model = create("lenet5_1998")
    for kernels, row in zip(model.c3[0].kernels(), LENET5_C3, strict=True):
        bound = 2.4 / (25 * len(row))
        assert 0.8 * bound < kernels.abs().max() <= bound
    for layer, fan_in in ((model.c1[0], 25), (model.c5[0], 16 * 25), (model.f6[0], 120)):
        assert 0.8 * 2.4 / fan_in < layer.weight.abs().max() <= 2.4 / fan_in
    assert not any(layer.bias.any() for layer in (model.c1[0], model.c3[0], model.c5[0]))


def test_it_learns_by_the_papers_second_criterion():
    # Eq. 9, by pencil: y_D + log(e^-j + sum of e^-y_i), the mean over the images.
    model = create("lenet5_1998")
    images, classes = torch.randn(3, 1, 28, 28), torch.tensor([3, 0, 9])
    y = -model(images).double()
    expected = (y[range(3), classes] + (math.exp(-RUBBISH) + torch.exp(-y).sum(1)).log()).mean()
    losses = model.losses(images, classes)
    assert list(losses) == ["discriminative"]
    assert losses["discriminative"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert RUBBISH > 0
    losses["discriminative"].backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())


def test_bitmaps_are_for_the_ten_digits_alone():
    known = entry("lenet5_1998")
    assert known.choices([str(digit) for digit in range(10)]) == ({}, ())
    options, notes = known.choices([f"garment {n}" for n in range(10)])
    model = create("lenet5_1998", classes=10, **options)
    assert not torch.equal(model.output.targets, digit_targets())
    assert len(notes) == 1
    assert "these 10 classes have random codes" in notes[0]
    assert entry("lenet5").choices(["a", "b"]) == ({}, ())


@pytest.mark.parametrize(("mean", "paper", "ink"), [(33.0, 0, 255), (220.0, 255, 0)])
def test_paper_and_ink_have_the_papers_values_whichever_is_bright(mean, paper, ink):
    normalization = entry("lenet5_1998").learned(Normalization((mean,), (70.0,)))
    values = normalization(torch.tensor([[[[paper, ink]]]], dtype=torch.uint8))
    assert values.flatten().tolist() == pytest.approx([-0.1, 1.175], abs=1e-6)
    border = create("lenet5_1998").pad.value
    assert border == pytest.approx(values[0, 0, 0, 0].item(), abs=1e-6)
    back = Normalization.from_json(json.loads(json.dumps(normalization.to_json())), channels=1)
    assert back == normalization
    colors = entry("lenet5_1998").learned(Normalization((mean,) * 3, (70.0,) * 3))
    assert len(colors.mean) == len(colors.std) == 3


def test_what_gives_its_logits_is_no_full_connection():
    model = create("lenet5_1998")
    name, last = decision(model)
    assert (name, last.in_features, last.out_features) == ("output", 84, 10)
    with pytest.raises(ModelError, match="lenet5_1998 decides by distances to fixed targets"):
        classifier(model)
    assert Before(model)(torch.zeros(2, 1, 28, 28)).shape == (2, 84)


def test_its_own_weights_come_back_with_their_targets(tmp_path):
    model = create("lenet5_1998", classes=4)
    torch.save(model.state_dict(), tmp_path / "four.pth")
    back = create("lenet5_1998", weights=tmp_path / "four.pth")
    assert torch.equal(back.output.targets, model.output.targets)
    assert create("lenet5_1998", classes=6, weights=tmp_path / "four.pth").output.out_features == 6


@pytest.mark.parametrize(("name", "size"), [("lenet5", 15), ("lenet5_1998", 28)])
def test_sizes_that_leave_nothing(name, size):
    with pytest.raises(ModelError, match=f"image_size {size}"):
        create(name, image_size=size)


def digits(folder, part):
    """(N, 1, 28, 28) uint8, and the classes."""
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
        pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return torch.from_numpy(pixels.copy()), torch.from_numpy(labels.astype(np.int64))


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
        loss = sum(model.losses(normal, classes[batch]).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images, classes = digits(shared("data/mnist"), "t10k")
    with torch.no_grad():
        normal = (images[:2000] - expects.mean[0]) / expects.std[0]
        predicted = model.eval()(normal).argmax(1)
    assert (predicted == classes[:2000]).float().mean() > least
