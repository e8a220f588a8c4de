"""U-Net, SegNet, FCN, DeepLab and FRRN: the papers' counts by pencil, and pictures of any size."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from striate.models.atrous import DepthwiseWithHoles, atrous, spread
from striate.models.backbone import network_stages
from striate.models.deeplab import deeplab
from striate.models.dense import bilinear_kernel, upsampling
from striate.models.fcn import fcn
from striate.models.frrn import FRRN, TABLE
from striate.models.networks import create
from striate.models.segnet import SegNet
from striate.models.skeletons import skeleton, undrawn
from striate.models.unet import UNet, mirrored, reflected

VGG16 = 14_714_688  # its thirteen convolutions


def parameters(model: nn.Module) -> int:
    return sum(each.numel() for each in model.parameters())


def built(make, *args, **options):
    with skeleton():
        return make(*args, **options)


def conv(inner: int, outer: int, kernel: int, *, bias: bool = True) -> int:
    return inner * outer * kernel**2 + (outer if bias else 0)


def test_unet_has_the_parameters_of_figure_1():
    widths = [64, 128, 256, 512, 1024]
    down = sum(conv(a, b, 3) + conv(b, b, 3) for a, b in pairwise([1, *widths]))
    up = sum(conv(b, a, 2) + conv(b, a, 3) + conv(a, a, 3) for a, b in pairwise(widths))
    model = built(UNet, 2, channels=1, valid=True, normalized=False)
    assert parameters(model) == down + up + conv(64, 2, 1) == 31_030_658


def test_the_published_unet_gives_388_of_572_pixels():
    model = built(UNet, 2, channels=1, valid=True, normalized=False)
    assert model.answer(torch.empty(1, 1, 572, 572, device="meta")).shape == (1, 2, 388, 388)


def test_pictures_are_mirrored_around_the_published_unet():
    images = torch.arange(388.0).expand(1, 1, 388, 388)
    grown = mirrored(images, 4)
    assert grown.shape == (1, 1, 572, 572)
    assert grown[0, 0, 0, 90:95].tolist() == [2, 1, 0, 1, 2]
    assert reflected(torch.tensor([-1, 0, 1]), 1).tolist() == [0, 0, 0]


def test_segnet_has_twice_the_convolutions_of_vgg():
    # Both halves have VGG-16's kernels, but the decoder ends in the classes; a normalization has
    # two numbers a channel. The paper says 29.45 million.
    channels = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    last = [64, 128, 256, 512, 512]
    decoder_channels = channels - 64 - sum(last[1:]) + sum(last[:-1])
    kernels = VGG16 - channels
    decoder = kernels - 3 * 64 * 9
    expected = kernels + decoder + 3 * (channels + decoder_channels) + conv(64, 11, 3)
    model = built(SegNet, 11)
    assert parameters(model) == expected
    assert round(expected / 1e6, 2) == 29.45


@pytest.mark.parametrize(
    ("finest", "skips", "ups"),
    [(32, 0, 64**2), (16, 513, 4**2 + 32**2), (8, 513 + 257, 2 * 4**2 + 16**2)],
)
def test_fcn_has_the_parameters_of_its_program(finest, skips, ups):
    model = built(fcn, 21, finest=finest)
    full = conv(512, 4096, 7) + conv(4096, 4096, 1) + conv(4096, 21, 1)
    assert parameters(model) == VGG16 + full + 21 * skips + 21 * 21 * ups
    assert round((VGG16 + full) / 1e6) == 134  # Table 1


@pytest.mark.parametrize("finest", [32, 16, 8])
def test_the_published_fcn_meets_its_crops(finest):
    model = built(fcn, 21, finest=finest, published=True)
    assert model(torch.empty(1, 3, 375, 500, device="meta")).shape == (1, 21, 375, 500)


def test_deeplab_has_the_20_5_million_of_the_paper():
    model = built(deeplab, 21)
    head = conv(512, 1024, 3) + conv(1024, 1024, 1) + conv(1024, 21, 1)
    assert parameters(model) == VGG16 + head
    assert round((VGG16 + head) / 1e6, 1) == 20.5  # Table 1 (b)
    scores = model.head(model.backbone(torch.empty(1, 3, 321, 321, device="meta"))[0])
    assert scores.shape == (1, 21, 41, 41)


@pytest.mark.parametrize(("table", "millions"), [("A", 17.7), ("B", 24.8)])
def test_frrn_has_the_parameters_of_its_table(table, millions):
    def norm(width: int) -> int:
        return 2 * width

    count = conv(3, 48, 5, bias=False) + norm(48)
    count += 6 * 2 * (conv(48, 48, 3, bias=False) + norm(48)) + conv(48, 32, 1)
    width = 48
    for row in TABLE[table]:
        for _ in range(row.units):
            count += conv(width + 32, row.width, 3, bias=False) + norm(row.width)
            count += conv(row.width, row.width, 3, bias=False) + norm(row.width)
            count += conv(row.width, 32, 1)
            width = row.width
    count += conv(96 + 32, 48, 1) + conv(48, 19, 1)
    assert parameters(built(FRRN, table, 19)) == count
    assert round(count / 1e6, 1) == pytest.approx(millions, abs=0.15)


MAKERS = {
    "unet": lambda: UNet(3, width=4, depth=3),
    "unet_valid": lambda: UNet(3, width=2, valid=True),
    "segnet": lambda: SegNet(3, stages=((4, 4), (6, 6), (8, 8))),
    "fcn32s": lambda: fcn(3, backbone="efficientnet_lite0", finest=32),
    "fcn8s": lambda: fcn(3, backbone="efficientnet_lite0"),
    "fcn_published": lambda: fcn(3, backbone="resnet18", published=True, hidden=4, finest=8),
    "deeplab": lambda: deeplab(3, backbone="efficientnet_lite0", hidden=8),
    "deeplab_resnet": lambda: deeplab(3, backbone="resnet18", hidden=8),
    "frrn_a": lambda: FRRN("A", 3, share=1 / 24),
    "frrn_b": lambda: FRRN("B", 3, share=1 / 24),
}


@pytest.mark.parametrize("size", [(37, 51), (1, 1), (1, 70)])
@pytest.mark.parametrize("name", [name for name in MAKERS if name != "fcn_published"])
def test_any_size_in_the_same_size_out(name, size):
    with undrawn():
        model = MAKERS[name]().eval()
    with torch.no_grad():
        assert model(torch.empty(0, 3, *size)).shape == (0, 3, *size)


@pytest.mark.parametrize("name", ["unet", "unet_valid", "segnet", "frrn_a"])
def test_all_weights_learn(name):
    model = MAKERS[name]()
    model(torch.randn(1, 3, 35, 33)).square().sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0
               for key, each in model.named_parameters() if "bias" not in key)  # fmt: skip


def test_transposed_convolutions_begin_as_bilinear_interpolation():
    assert bilinear_kernel(3)[1].tolist() == [0.5, 1, 0.5]
    up = upsampling(2, 4, padding=2)
    x = torch.rand(1, 2, 6, 7)
    expected = nn.functional.interpolate(x, scale_factor=4, mode="bilinear")
    assert torch.allclose(up(x)[:, :, 4:-4, 4:-4], expected[:, :, 4:-4, 4:-4], atol=1e-6)


@pytest.mark.parametrize("name", ["resnet18", "efficientnet_lite0"])
def test_holes_keep_what_a_place_sees(name):
    """On a picture that is the same all over, holes change nothing far from the border."""
    level = [stage for stage in network_stages(name) if stage.stride == 32][-1].name
    with torch.no_grad():
        torch.manual_seed(0)
        plain = create(name, channels=3).eval()
        holes = atrous(create(name, channels=3).eval(), 8)
        holes.load_state_dict(plain.state_dict())
        images = torch.rand(1, 3, 1, 1).expand(1, 3, 448, 448)
        coarse, fine = (run(model, level, images) for model in (plain, holes.eval()))
    assert fine.shape[2:] == (56, 56)
    middle = [x[0, :, x.shape[2] // 2, x.shape[3] // 2] for x in (coarse, fine)]
    assert torch.allclose(*middle, rtol=1e-3, atol=1e-4)


def run(model, last, x):
    for name, stage in model.stages():
        x = stage(x)
        if name == last:
            return x
    raise AssertionError(last)


@pytest.mark.parametrize("name", ["unet", "segnet", "frrn_a"])
def test_a_margin_holds_all_that_an_answer_depends_on(name):
    torch.manual_seed(0)
    model = MAKERS[name]().eval().double()
    side = 2 * (2 * model.margin // 64 + 2) * 32
    images = torch.randn(1, 3, 8, side, dtype=torch.float64)
    changed = images.clone()
    middle = side // 2
    changed[..., middle + model.margin :] += 1
    with torch.no_grad():
        first, second = model(images), model(changed)
    assert torch.equal(first[..., :middle], second[..., :middle])


@pytest.mark.parametrize("size", [(12, 16), (13, 7), (1, 5)])
def test_holes_of_single_channels_are_those_of_torch(size):
    plain = nn.Conv2d(3, 3, 5, groups=3)
    made = spread(plain, 2)
    assert isinstance(made, DepthwiseWithHoles)
    x = torch.randn(2, 3, *size)
    expected = nn.functional.conv2d(x, plain.weight, plain.bias, padding=4, dilation=2, groups=3)
    assert torch.allclose(made(x), expected, atol=1e-5)
