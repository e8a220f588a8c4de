"""The papers' own words about AlexNet, ZFNet, OverFeat, VGG, GoogLeNet and ResNet."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.models import create, describe
from striate.models.googlenet import AUXILIARY_WEIGHT, Inception, NaiveInception, Widths
from striate.models.vgg import CONFIGURATIONS, Pointwise


def on_meta(name, **options):
    with torch.device("meta"):
        return create(name, **options).eval()


def weighted(model):
    return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def test_alexnet_has_650_thousand_neurons():
    description = describe("alexnet")
    assert description.layers[0].output == (96, 55, 55)
    assert torch.Size(description.layers[0].output).numel() == 290_400
    assert description.neurons == 659_272  # "650,000" (abstract)
    assert description.layers[0].parameters == 34_944
    assert len(weighted(on_meta("alexnet"))) == 8


def test_alexnets_biases_start_at_one_where_the_paper_says():
    model = create("alexnet", classes=2, image_size=99)
    ones = {name for name, stage in model.stages() for m in stage.modules()
            if isinstance(m, nn.Conv2d | nn.Linear) and m.bias.mean() == 1}  # fmt: skip
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc7"}
    assert model.fc7[0].weight.std().item() == pytest.approx(0.01, rel=0.01)


def test_alexnets_two_towers_meet_only_in_conv3():
    model = create("alexnet", image_size=99).eval()
    x = torch.randn(1, 96, 9, 9)
    changed = x.clone()
    changed[:, :48] += 1
    first, second = model.conv2[0](x), model.conv2[0](changed)
    assert torch.equal(first[:, 128:], second[:, 128:])
    assert not torch.equal(first[:, :128], second[:, :128])


def test_overfeats_connections():
    # Tables 1 and 3: 145 and 144 million parameters, 2,810 and 5,369 million connections.
    assert describe("overfeat_fast").multiply_adds == pytest.approx(2810e6, rel=0.005)
    assert describe("overfeat_accurate").multiply_adds == pytest.approx(5369e6, rel=0.005)


@pytest.mark.parametrize(
    ("name", "millions", "layers"),
    [
        ("vgg11", 133, 11),
        ("vgg11_lrn", 133, 11),
        ("vgg13", 133, 13),
        ("vgg16_c", 134, 16),
        ("vgg16", 138, 16),
        ("vgg19", 144, 19),
    ],
)
def test_vgg_tables_1_and_2(name, millions, layers):
    model = on_meta(name)
    assert round(sum(p.numel() for p in model.parameters()) / 1e6) == millions
    assert len(weighted(model)) == layers


def test_vgg_column_c_has_three_kernels_of_1x1():
    assert sum(isinstance(w, Pointwise) for stage in CONFIGURATIONS["C"] for w in stage) == 3
    kernels = [m.kernel_size for m in on_meta("vgg16_c").modules() if isinstance(m, nn.Conv2d)]
    assert kernels.count((1, 1)) == 3


def test_googlenet_has_22_layers_with_weights_and_1_5_billion_multiply_adds():
    model = on_meta("googlenet")
    # Deep, not wide: of every Inception the two layers of its longest branch count.
    plain = ("conv1", "conv2_reduce", "conv2", "fc")
    inceptions = [s for s in model.stage_names if s.startswith("inception")]
    assert len(plain) + 2 * len(inceptions) == 22
    assert describe("googlenet").multiply_adds == pytest.approx(1.5e9, rel=0.06)
    assert sum(r.parameters for r in describe("googlenet").stages) == 6_998_552


def test_table_1_of_googlenet_in_thousands():
    # The paper's #params column, rounded there; it leaves out biases.
    rows = {row.name: row.parameters for row in describe("googlenet").stages}
    published = {"inception3a": 159, "inception3b": 380, "inception4a": 364, "inception4b": 437,
                 "inception4c": 463, "inception4d": 580, "inception4e": 840, "inception5a": 1072,
                 "inception5b": 1388}  # fmt: skip
    for name, thousands in published.items():
        assert rows[name] == pytest.approx(thousands * 1000, rel=0.11), name


def test_all_three_classifiers_of_googlenet():
    model = create("googlenet", classes=5).eval()
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        logits = model.classifiers(images)
        assert {name: tuple(v.shape) for name, v in logits.items()} == {
            "logits": (2, 5), "auxiliary1": (2, 5), "auxiliary2": (2, 5)}  # fmt: skip
        torch.testing.assert_close(logits["logits"], model(images))
    assert AUXILIARY_WEIGHT == 0.3


def test_the_naive_inception_only_grows():
    widths = Widths(64, 96, 128, 16, 32, 32)
    x = torch.randn(1, 192, 7, 7)
    naive = NaiveInception(192, widths, batch_norm=False)
    assert naive(x).shape == (1, 64 + 128 + 32 + 192, 7, 7)
    assert Inception(192, widths, batch_norm=False)(x).shape == (1, 256, 7, 7)
    model = on_meta("googlenet", naive=True)
    assert model(torch.empty(1, 3, 224, 224, device="meta")).shape == (1, 1000)
    small = describe("googlenet").multiply_adds
    assert describe(model, 224).multiply_adds > 5 * small


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


def test_batch_norm_is_behind_every_convolution_of_vgg_bn():
    model = on_meta("vgg13_bn")
    assert sum(isinstance(m, nn.BatchNorm2d) for m in model.modules()) == 10
    assert [type(m).__name__ for m in model.conv1_1] == ["Conv2d", "BatchNorm2d", "ReLU"]
