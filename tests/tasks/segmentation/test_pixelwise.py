"""Pixels classified one by one: the filter bank, and hypercolumns."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from striate.data import VOID
from striate.models.hypercolumns import Hypercolumns
from striate.tasks.contract import Ask
from striate.tasks.segmentation import pixelwise
from striate.tasks.segmentation.crf import CRFSegmenter, settings_of, with_crf
from striate.tasks.segmentation.networks import network
from striate.tasks.segmentation.pictures import scale


@pytest.fixture(autouse=True)
def _few(monkeypatch):
    monkeypatch.setattr(pixelwise, "PIXELS", 1600)
    monkeypatch.setattr(pixelwise, "read_side", lambda data: None)  # not enlarged


def test_the_filter_bank_finds_squares(data):
    done = pixelwise.learn_filter_bank(data, Ask())
    assert done.validation["miou"] > 0.8
    assert "penalty" in done.notes[0]


def test_hypercolumns_find_squares(data):
    done = pixelwise.learn_hypercolumns(data, Ask(network="resnet18", weights=None))
    assert done.validation["miou"] > 0.5
    assert done.network == "resnet18"


def test_the_classifier_on_columns_is_the_network():
    torch.manual_seed(0)
    model = network({"network": "hypercolumns", "backbone": "resnet18"}, 3).eval()
    assert isinstance(model, Hypercolumns)
    images = torch.randn(1, 3, 64, 96)
    weight, bias = torch.randn(3, sum(model.widths)), torch.randn(3)
    model.solved(weight, bias)
    places = torch.tensor([[32, 48], [10, 70]])
    with torch.no_grad():
        columns = model.columns(images, places)
        scores = model(images)[0, :, places[:, 0], places[:, 1]].T
    expected = columns @ weight.T + bias
    assert torch.allclose(scores, expected, atol=0.1 * float(expected.abs().max()))


def test_pixels_are_drawn_from_all_pictures_and_never_void(data):
    scaled = scale(data, pixelwise.Reading(None, pixelwise.GRAY))
    found, labels = pixelwise.sampled(
        scaled, pixelwise.Reading(None, pixelwise.GRAY), 0, pixelwise.at, 0, 80
    )
    assert found.shape == (80, 3)
    assert not (labels == VOID).any()
    assert ((found.mean(1) > 0) == (labels == 1)).float().mean() > 0.95


def test_regression_is_at_its_minimum():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, 4, generator=generator)
    y = (x[:, 0] + 0.5 * torch.randn(300, generator=generator) > 0).long()
    weights = torch.tensor([1.0, 3.0])
    weight, bias = pixelwise.regression(x, y, weights, 0.01)
    weight.requires_grad_()
    bias.requires_grad_()
    loss = F.cross_entropy(x @ weight.T + bias, y, weights) + 0.01 * weight.square().sum()
    loss.backward()
    assert weight.grad is not None
    assert weight.grad.abs().max() < 1e-3


def test_a_field_is_chosen_on_validation_and_kept(data):
    done = pixelwise.learn_filter_bank(data, Ask())
    made = with_crf(done, scale(data, done.predictor.reading))
    assert isinstance(made.predictor, CRFSegmenter)
    assert made.validation["miou"] >= done.validation["miou"]
    again = CRFSegmenter.restored(made.predictor.tensors(), made.predictor.header(), data.classes)
    assert again.settings == made.predictor.settings
    pixels = np.asarray(data.inputs[5])
    first, second = (
        one.predict([one.prepare(pixels)])[0].labels for one in (made.predictor, again)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    "values", [{"rounds": 10**6}, {"rounds": 1.5}, {"color": 0.0}, {"place": float("nan")}]
)
def test_fields_of_strangers_are_bounded(values):
    with pytest.raises(ValueError, match="its field has"):
        settings_of(values)
