"""The bag of visual words as a module: shapes, memory, what it refuses, and that it is rebuilt."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from striate.errors import ModelError
from striate.handcrafted.words import (
    PHOTOGRAPHS,
    SMALL,
    BagOfVisualWords,
    Settings,
    settings_for,
)

TINY = Settings(side=24, step=4, bin_sizes=(3, 4), words=6, neighbors=2, levels=((1, 1), (2, 1)))


def model(settings: Settings = TINY) -> BagOfVisualWords:
    """One whose dictionary is some descriptors of noise."""
    bag = BagOfVisualWords(classes=3, settings=settings)
    noise = bag.local(torch.rand(1, 1, settings.side, settings.side) * 255)
    bag.dictionary = noise.descriptors[0, : settings.words].clone()
    return bag.eval()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("mapping", "width"), [("linear", 18), ("hellinger", 18), ("chi2", 54)])
def test_images_become_unit_vectors_become_margins(channels: int, mapping: str, width: int) -> None:
    bag, images = model(replace(TINY, mapping=mapping)), torch.rand(5, channels, 24, 24) * 255
    vectors = bag.describe(images)
    assert vectors.shape == (5, width) == (5, bag.width)  # 3 cells · 6 words, thrice for chi2
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
    torch.testing.assert_close(bag(images), bag.head(vectors))


def test_features_are_the_stages_by_name() -> None:
    bag, images = model(), torch.rand(2, 3, 24, 24) * 255
    features = bag.features(images)
    points = len(bag.local(images).positions)
    assert list(features) == ["descriptors", "words", "pyramid"]
    assert features["descriptors"].shape == (2, points, 128)
    assert features["words"].shape == (2, points, 6)
    torch.testing.assert_close(features["words"].sum(2), torch.ones(2, points))
    assert int((features["words"] > 0).sum(2).max()) == 2  # neighbors
    torch.testing.assert_close(features["pyramid"], bag.describe(images))
    # max pooling over the whole image is the first cell, as far as it is not normalized yet
    whole = features["words"].amax(1)
    torch.testing.assert_close(bag.pooled(images)[:, :6], whole)


def test_a_gray_image_is_the_same_in_one_channel_or_three() -> None:
    bag, gray = model(), torch.rand(2, 1, 24, 24) * 255
    torch.testing.assert_close(bag(gray.expand(-1, 3, -1, -1)), bag(gray), atol=1e-4, rtol=1e-4)


def test_color_is_read_as_luminance() -> None:
    bag, colored = model(), torch.rand(2, 3, 24, 24) * 255
    red, green, blue = colored.split(1, dim=1)
    gray = 0.299 * red + 0.587 * green + 0.114 * blue
    torch.testing.assert_close(bag(colored), bag(gray), atol=1e-4, rtol=1e-4)


def test_flat_patches_have_no_word() -> None:
    bag, images = model(), torch.full((1, 1, 24, 24), 50.0)
    images[:, :, :, 16:] = 250
    assert float(bag.pooled(images).sum()) > 0
    assert not bag.pooled(torch.full((1, 1, 24, 24), 50.0)).any()
    slopes = bag.local(images).contrast
    between = float(slopes.mean())
    weights = model(replace(TINY, flat=between)).features(images)["words"].sum(2)
    torch.testing.assert_close(weights, (slopes > between).float())


def test_many_images_are_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bag, images = model(), torch.rand(9, 1, 24, 24) * 255
    together = bag.describe(images)
    monkeypatch.setattr("striate.handcrafted.words.NUMBERS_AT_ONCE", 1)
    assert bag.images_at_once() == 1
    torch.testing.assert_close(bag.describe(images), together)


def test_memory_at_once_holds_for_both_constants() -> None:
    for settings in (PHOTOGRAPHS, SMALL):
        bag = BagOfVisualWords(classes=2, settings=settings)
        points = len(bag.local(torch.zeros(1, 1, settings.side, settings.side)).positions)
        assert bag.images_at_once() * points * settings.words <= 2**24


def test_it_is_rebuilt_from_settings_and_plain_tensors(tmp_path: Path) -> None:
    bag, images = model(), torch.rand(4, 3, 24, 24) * 255
    save_file(bag.state_dict(), tmp_path / "bag.safetensors")
    again = BagOfVisualWords(classes=3, settings=Settings(**vars(bag.settings)))
    again.load_state_dict(load_file(tmp_path / "bag.safetensors"))
    assert torch.equal(again(images), bag(images))
    assert set(bag.state_dict()) == {"dictionary", "head.weight", "head.bias"}


def test_settings_follow_the_images() -> None:
    assert settings_for(8) is settings_for(28) is settings_for(40) is SMALL
    assert settings_for(41) is settings_for(500) is PHOTOGRAPHS


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ModelError, match=r"\(N, 1 or 3, 24, 24\), not \(2, 3, 32, 32\)"):
        model()(torch.zeros(2, 3, 32, 32))
    with pytest.raises(ModelError, match="mapping must be one of linear, hellinger, chi2"):
        replace(TINY, mapping="quadratic")
    with pytest.raises(ModelError, match="pooling must be one of sum, max, not 'mean'"):
        replace(TINY, pooling="mean")
    with pytest.raises(ModelError, match="neighbors must be 1 to 6"):
        replace(TINY, neighbors=7)
