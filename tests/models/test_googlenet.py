"""GoogLeNet: Table 1, its three classifiers, the naive module."""

import pytest
import torch

from striate.models import create, describe
from striate.models.googlenet import AUXILIARY_WEIGHT, Inception, NaiveInception, Widths


def on_meta(name, **options):
    with torch.device("meta"):
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
