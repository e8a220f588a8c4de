"""What is learned finds points that nobody showed it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.images import apply
from striate.models.heat_maps import Deconvolved, UNetMaps
from striate.ops.windows import cut
from striate.tasks.contract import asked
from striate.tasks.keypoints import ridge
from striate.tasks.keypoints.canvas import back, onto, view_of
from striate.tasks.keypoints.sureness import Sureness
from striate.tasks.keypoints.task import KeyPoints

TASK = KeyPoints()


def test_heat_maps_find_the_dots(data, learned):
    rows = np.flatnonzero(data.split == 2).tolist()
    scores = TASK.scores(asked(learned.predictor, data, rows), data, data.classes)
    assert scores.value > 0.9
    assert scores.metrics["error_pixels"] < 2
    low, high = scores.interval
    assert low <= scores.value <= high
    assert learned.validation["pck10"] > 0.9


def test_ridge_is_better_than_the_middle(data, by_ridge):
    rows = np.flatnonzero(data.split == 2).tolist()
    scores = TASK.scores(asked(by_ridge.predictor, data, rows), data, data.classes)
    middle = np.nanmean(data.targets.places[data.split == 0], 0)
    plain = np.hypot(*np.moveaxis(data.targets.places[rows] - middle, 2, 0)).mean()
    assert scores.metrics["error_pixels"] < 0.8 * plain


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), side=st.integers(8, 64))
def test_places_come_back_from_the_square(height, width, side):
    sizes = np.array([[height, width]])
    places = np.array([[[0.0, 0.0], [width, height], [width / 3, height / 2]]])
    moved = onto(places, sizes, side)
    assert back(moved, sizes, side) == pytest.approx(places)
    assert moved.min() >= 0
    assert moved.max() <= side


def test_the_square_is_that_of_the_view():
    pixels = np.zeros((30, 50, 3), np.uint8)
    pixels[10:14, 20:24] = 255  # about 22, 12
    seen = apply(pixels, view_of(80))[..., 0].astype(float)
    seen[seen == 128] = 0  # what is beside the picture
    rows, columns = np.mgrid[:80, :80] + 0.5
    mean = [(seen * axis).sum() / seen.sum() for axis in (columns, rows)]
    there = onto(np.array([[[22.0, 12.0]]]), np.array([[30, 50]]), 80)
    assert there[0, 0].tolist() == pytest.approx(mean, abs=0.2)


def test_the_dual_form_solves_the_ridge_of_each_part():
    random = np.random.default_rng(0)
    inputs = random.normal(size=(12, 30)).astype(np.float32)
    truth = random.normal(size=(12, 3, 2))
    truth[:4, 1] = np.nan
    truth[:, 2] = np.nan
    for strength, weights, bias in ridge.solutions(inputs, truth):
        for part, rows in ((0, slice(None)), (1, slice(4, None))):
            x, y = inputs[rows].astype(np.float64), truth[rows, part]
            middle = x - x.mean(0)
            penalty = strength * (middle**2).sum() / len(x)
            slow = np.linalg.solve(
                middle.T @ middle + penalty * np.eye(30), middle.T @ (y - y.mean(0))
            )
            found = inputs @ weights[2 * part : 2 * part + 2].T + bias[2 * part : 2 * part + 2]
            assert found[rows] == pytest.approx(middle @ slow + y.mean(0), abs=2e-3)
        assert not weights[4:].any()
        assert bias[4:].tolist() == [0.5, 0.5]


def test_a_mirror_image_has_the_mirrored_places():
    torch.manual_seed(0)
    model = UNetMaps(3, swaps=(1, 0, 2), width=4, depth=2).eval()
    images = torch.randn(2, 3, 32, 32)
    places, mirrored = model.places(images), model.places(images.flip(3))
    places[..., 0] = 32 - places[..., 0]
    assert torch.allclose(mirrored[:, [1, 0, 2]], places, atol=1e-3)


def test_a_second_look_is_a_look_at_the_window():
    torch.manual_seed(0)
    model = UNetMaps(3, width=4, depth=2, twice=True).eval()
    images = torch.randn(2, 3, 64, 64)
    found, windows = model.places(images), model.windows(images)
    for image, window, places in zip(images, windows, found, strict=True):
        left, top, side = window.tolist()
        alone = model.found(cut(image[None], window[None], 32))[0, :, :2] * side / 32
        assert torch.allclose(places[:, :2], alone + torch.tensor([left, top]), atol=1e-3)


def test_the_first_blocks_do_not_learn():
    model = Deconvolved(2, backbone="efficientnet_lite0", width=8, across=True, frozen=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()(torch.randn(2, 3, 32, 32)).sum().backward()
    kept = {name for name in before if torch.equal(before[name], model.state_dict()[name])}
    assert all(name in kept for name in before if ".stem." in name or ".stage2." in name)
    assert not all(name in kept for name in before if ".stage3." in name)
    assert model.backbone.stages["stage2"][0].training is False
    assert all(p.grad is None for p in model.backbone.stages["stem"].parameters())


def test_the_published_head_has_the_published_size():
    with torch.device("meta"):
        model = Deconvolved(17, backbone="resnet50")
    head = sum(p.numel() for p in model.ups.parameters()) + sum(
        p.numel() for p in model.score.parameters()
    )
    # 2048 -> 256 -> 256 -> 256 by 4 x 4, each with two numbers a channel to normalize, then 17
    assert head == 16 * 256 * (2048 + 256 + 256) + 3 * 512 + 17 * 257
    total = sum(p.numel() for p in model.parameters())
    assert total == pytest.approx(34.0e6, rel=0.01)  # Xiao et al., Table 2
    assert model(torch.empty(1, 3, 256, 192, device="meta")).shape == (1, 17, 64, 48)


def test_how_sure_a_point_is_is_learned():
    random = np.random.default_rng(0)
    shares = random.uniform(0.05, 0.95, 4000)
    right = random.uniform(0, 1, 4000) < shares**2
    found = Sureness.learned(shares, right)
    for low in (0.2, 0.5, 0.8):
        some = (shares > low) & (shares < low + 0.1)
        assert found(shares[some]).mean() == pytest.approx(right[some].mean(), abs=0.06)
    same = Sureness.learned(np.ones(8), np.array([1, 1, 1, 0, 1, 1, 1, 1], bool))
    assert same(np.array([1.0]))[0] == pytest.approx(8 / 10)
