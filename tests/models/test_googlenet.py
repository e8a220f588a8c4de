"""GoogLeNet: Table 1, its three classifiers, the naive module."""

import pytest
import torch

from striate.errors import ModelError
from striate.models import create, describe
from striate.models.googlenet import AUXILIARY_WEIGHT, Inception, NaiveInception, Widths
from striate.models.skeletons import skeleton


def on_meta(name, **options):
    with skeleton():
        return create(name, **options).eval()


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


def test_auxiliary_pooling_is_5_by_5_at_stride_3_without_padding():
    # Section 5: 4 x 4 x 512 behind inception4a, 4 x 4 x 528 behind inception4d.
    model = on_meta("googlenet")
    for head, channels in ((model.auxiliary1, 512), (model.auxiliary2, 528)):
        x = torch.randn(1, channels, 14, 14)
        expected = torch.stack([
            torch.stack([
                x[:, :, top : top + 5, left : left + 5].mean((2, 3)) for left in (0, 3, 6, 9)
            ], -1)
            for top in (0, 3, 6, 9)
        ], -2)  # fmt: skip
        torch.testing.assert_close(head[0](x), expected)
        assert (head[1][0].in_channels, head[1][0].out_channels) == (channels, 128)
        assert (head[3].out_features, head[5].p) == (1024, 0.7)


def test_the_auxiliary_classifiers_learn_by_0_3_of_their_losses():
    torch.manual_seed(0)
    model = create("googlenet", classes=3, image_size=96)
    images, classes = torch.randn(2, 3, 96, 96), torch.tensor([2, 0])
    torch.manual_seed(1)
    logits = model.classifiers(images)
    torch.manual_seed(1)  # the same units dropped out
    losses = model.losses(images, classes)
    for name, share in (("logits", 1.0), ("auxiliary1", 0.3), ("auxiliary2", 0.3)):
        expected = share * torch.nn.functional.cross_entropy(logits[name], classes)
        found = losses["cross_entropy" if name == "logits" else name]
        torch.testing.assert_close(found, expected)
    sum(losses.values()).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None]
    assert silent == []


def test_other_sizes_of_images_have_auxiliary_classifiers_of_their_own():
    assert on_meta("googlenet", image_size=288).auxiliary1[3].in_features == 128 * 5 * 5
    assert "auxiliary1" not in dict(on_meta("googlenet", image_size=64).named_children())
    small = create("googlenet", classes=2, image_size=64)
    assert list(small.losses(torch.randn(2, 3, 64, 64), torch.tensor([0, 1]))) == ["cross_entropy"]
    with pytest.raises(ModelError, match=r"auxiliary1 reads 2048 numbers, .* with image_size=96"):
        on_meta("googlenet").classifiers(torch.empty(1, 3, 96, 96, device="meta"))
    assert on_meta("googlenet")(torch.empty(1, 3, 96, 96, device="meta")).shape == (1, 1000)


def test_the_published_variant_averages_any_map_to_4_by_4():
    logits = on_meta("googlenet_bn").classifiers(torch.empty(1, 3, 96, 96, device="meta"))
    assert set(logits) == {"logits", "auxiliary1", "auxiliary2"}


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
