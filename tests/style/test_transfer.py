"""A picture is found whose losses fall; regions, sizes, and what is refused."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from striate.errors import Diverged, UnknownName, UserError
from striate.models import Normalization, Stages
from striate.style import Perception, Weights, regions_in, transfer
from striate.style.descent import Change
from striate.style.regions import shares_of

NORMAL = Normalization((127.5,) * 3, (64.0,) * 3)
LAYERS = ("conv1", "conv2")


@pytest.fixture(scope="module")
def network() -> Stages:
    torch.manual_seed(0)
    stages = {
        "conv1": nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU()),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Sequential(nn.Conv2d(6, 12, 3, padding=1), nn.ReLU()),
        "deeper": nn.Sequential(nn.Conv2d(12, 12, 3, padding=1), nn.ReLU()),
        "classifier": nn.Sequential(nn.Flatten(), nn.LazyLinear(2)),
    }
    return Stages(stages, channels=3).eval()


@pytest.fixture(scope="module")
def perception(network: Stages) -> Perception:
    return Perception(network, LAYERS)


def picture(seed: int, rows: int = 66, columns: int = 80) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), np.uint8)


def painted(perception: Perception, **options):  # type: ignore[no-untyped-def]
    chosen = {"content": ("conv2",), "size": 64, "iterations": 8} | options
    paintings = chosen.pop("paintings", [picture(1, 40, 90) // 4])
    return transfer(picture(0), paintings, perception, NORMAL, **chosen)


def test_maps_are_those_of_the_network_cut_behind_the_last(network: Stages) -> None:
    images = torch.randn(1, 3, 9, 11)
    found = Perception(network, LAYERS)(images)
    assert list(found) == list(LAYERS)
    x = network.stages
    first = dict(x())["conv1"](images)
    torch.testing.assert_close(found["conv1"], first)
    torch.testing.assert_close(found["conv2"], dict(x())["conv2"](nn.MaxPool2d(2)(first)))
    mean = Perception(network, LAYERS, average=True)(images)["conv2"]
    torch.testing.assert_close(mean, dict(x())["conv2"](nn.AvgPool2d(2)(first)))
    with pytest.raises(UnknownName, match="did you mean conv2"):
        Perception(network, ("conv22",))


def test_losses_fall_and_the_seed_decides(perception: Perception) -> None:
    first, again = (painted(perception, start="noise", seed=3, every=4) for _ in range(2))
    assert first.losses[-1] < 0.9 * first.losses[0]
    assert (first.picture == again.picture).all()
    assert first.picture.shape == (53, 64, 3)
    assert len(first.frames) == 2
    other = painted(perception, start="noise", seed=4)
    assert (other.picture != first.picture).any()


def test_without_style_the_photograph_stays(perception: Perception) -> None:
    found = painted(perception, weights=Weights(style=0.0))
    shown = np.asarray(Image.fromarray(picture(0)).resize((64, 53), Image.Resampling.BICUBIC))
    assert (found.picture == shown).all()


def test_smaller_pictures_come_first(perception: Perception) -> None:
    found = painted(perception, size=180, iterations=5)
    assert found.sizes.tolist() == [[74, 90]] + 5 * [[148, 180]]
    plain = painted(perception, size=180, iterations=5, coarse=False)
    assert plain.sizes.tolist() == 5 * [[148, 180]]


def test_each_region_has_a_painting_of_its_own(perception: Perception) -> None:
    left = np.zeros((66, 80), np.int64)
    left[:, 40:] = 1
    red, blue = (np.zeros((50, 50, 3), np.uint8) for _ in range(2))
    red[..., 0], blue[..., 2] = 255, 255
    found = painted(
        perception, paintings=[red, blue], regions=left, iterations=40, coarse=False
    ).picture.astype(float)
    means = [found[:, part, :].mean((0, 1)) for part in (slice(0, 28), slice(36, 64))]
    assert means[0][0] - means[0][2] > 30  # red at the left
    assert means[1][2] - means[1][0] > 30


def test_shares_of_a_region_by_pencil() -> None:
    region = np.array([[1, 0, 0, 0], [1, 1, 0, 0]], bool)
    assert shares_of(region, (1, 2)).tolist() == [[1.0, 0.0]]
    assert shares_of(region, (2, 2)).flatten().tolist() == pytest.approx([1 / 3, 0, 2 / 3, 0])


def test_a_change_begins_as_nothing_and_weighs_low_frequencies_more() -> None:
    begun = torch.rand(1, 3, 48, 40)
    change = Change(begun)
    torch.testing.assert_close(change(), begun)
    with torch.no_grad():
        change.values[:] = 1  # the lowest frequency of all
    low = float((change() - begun).detach().mean())
    with torch.no_grad():
        change.values[..., 1::2] = -1  # the highest
    high = float((change() - begun).detach()[..., ::2].mean())
    assert low > 2 * high > 0


def test_light_and_shade_alone(perception: Perception) -> None:
    from striate.style.colors import YIQ

    gray = np.repeat(picture(0)[..., :1] // 4 + 96, 3, 2)
    found = transfer(gray, [picture(1)], perception, NORMAL, content=("conv2",), size=64,
                     iterations=3, colors="luminance").picture  # fmt: skip
    assert np.abs(found @ YIQ.T)[..., 1:].max() < 2  # no color comes into a gray photograph


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"paintings": []}, "at least one painting"),
        (
            {"paintings": [np.zeros((1, 40, 3), np.uint8)]},
            "a painting of 40 x 1 pixels",
        ),
        ({"colors": "matcht"}, "did you mean matched"),
        ({"start": "nois"}, "did you mean noise"),
        ({"size": 8}, "at least 64 pixels"),
        ({"iterations": 0}, "at least 64 pixels a side and takes one iteration"),
        ({"content": ("conv9",)}, "conv9"),
        ({"content": LAYERS}, "no layer is left for the style"),
        ({"regions": np.zeros((9, 9), int)}, "the mask has 9 x 9 pixels, the photograph 80 x 66"),
        ({"regions": np.arange(80 * 66).reshape(66, 80) % 3}, "into 3, and there are 1 paintings"),
        ({"size": 400_000}, "give a size of at most"),
    ],
)
def test_what_cannot_be_painted_is_said_before_any_work(perception, options, reason) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises((UserError, UnknownName), match=reason):
        painted(perception, **options)


def test_a_loss_that_is_not_finite_is_told(perception: Perception) -> None:
    with pytest.raises(Diverged, match="iteration 1"):
        painted(perception, weights=Weights(style=float("inf")))


def test_regions_of_a_file_go_by_their_grays(tmp_path) -> None:  # type: ignore[no-untyped-def]
    gray = np.array([[255, 255, 0], [0, 128, 128]], np.uint8)
    Image.fromarray(gray).save(tmp_path / "mask.png")
    assert regions_in(tmp_path / "mask.png").tolist() == [[2, 2, 0], [0, 1, 1]]
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"broken.png: "):
        regions_in(tmp_path / "broken.png")
