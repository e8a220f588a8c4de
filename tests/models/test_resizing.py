"""Networks for images of other sizes."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.models import adapt_pooling, create, slide
from striate.models.skeletons import skeleton


def test_with_its_own_grid_a_network_keeps_all_weights_and_reads_any_size():
    model = create("lenet5").eval()
    adapted = adapt_pooling(model)
    images = torch.randn(2, 1, 28, 28)
    torch.testing.assert_close(adapted(images), model(images))
    assert adapted(torch.randn(2, 1, 50, 40)).shape == (2, 10)
    with pytest.raises(ModelError):
        model(torch.randn(2, 1, 50, 40))


def test_another_grid_makes_the_next_layer_fit():
    with skeleton():
        vgg, resnet = create("vgg11"), create("resnet18")
    assert adapt_pooling(vgg, 1).fc6[0].in_features == 512
    assert adapt_pooling(resnet, 2).fc.in_features == 4 * 512
    assert vgg.fc6[0].in_features == 25088


def test_the_kind_of_pooling():
    model = adapt_pooling(create("resnet20"), kind="max")
    assert isinstance(model.pooled[0], nn.AdaptiveMaxPool2d)
    foreign = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    assert adapt_pooling(foreign, 2, image_size=9)(torch.randn(1, 3, 9, 9)).shape == (1, 2)
    with pytest.raises(ModelError, match="average or max, not 'median'"):
        adapt_pooling(model, kind="median")
    with pytest.raises(ModelError, match="one place or more, not 0"):
        adapt_pooling(model, 0)
    with pytest.raises(ModelError, match="no adaptive pooling"):
        adapt_pooling(nn.Sequential(nn.Linear(3, 2)))


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "googlenet_bn"])
def test_sliding_gives_the_logits_of_every_window(name):
    model = create(name, classes=4, **({"image_size": 32} if name == "lenet5" else {})).eval()
    size = model.image_size
    sliding = slide(model)
    images = torch.randn(1, model.channels, size, size)
    with torch.no_grad():
        logits = sliding(images)
        assert logits.shape == (1, 4, 1, 1)
        torch.testing.assert_close(logits.flatten(1), model(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("share", [True, False])
def test_weights_are_copied_unless_they_are_shared(share):
    model = create("lenet5", image_size=32).eval()
    sliding = slide(model, share=share)
    assert len(list(sliding.parameters())) == len(list(model.parameters()))
    for ours, theirs in zip(sliding.parameters(), model.parameters(), strict=True):
        assert (ours.data_ptr() == theirs.data_ptr()) == share
    assert sliding(torch.zeros(1, 1, 36, 32)).shape == (1, 10, 2, 1)


def test_windows_are_computed_once_for_all():
    model = create("lenet5", image_size=32).eval()  # its windows step by 4 pixels, without padding
    large = torch.randn(1, 1, 40, 44)
    with torch.no_grad():
        map_ = slide(model)(large)
        assert map_.shape == (1, 10, 3, 4)
        for row in range(3):
            for column in range(4):
                window = large[:, :, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                torch.testing.assert_close(
                    map_[:, :, row, column], model(window), rtol=1e-4, atol=1e-5
                )


@pytest.mark.parametrize(
    ("name", "size", "large", "places"),
    [("vgg11", 32, 96, 3), ("resnet20", 32, 40, 3), ("alexnet_single", 99, 131, 2)],
)
def test_poolings_to_a_grid_become_windows(name, size, large, places):
    options = {"image_size": size} if name != "resnet20" else {}
    with skeleton():
        sliding = slide(create(name, classes=3, **options))
        assert sliding(torch.empty(1, 3, large, large)).shape == (1, 3, places, places)


@pytest.mark.parametrize(("name", "size"), [("overfeat_fast", 231), ("overfeat_accurate", 221)])
def test_overfeat_slides(name, size):
    step = 36  # pixels from window to window (Section 3.5)
    with skeleton():
        sliding = slide(create(name))
        assert sliding(torch.empty(1, 3, size, size)).shape == (1, 1000, 1, 1)
        assert sliding(torch.empty(1, 3, size + step, size + 2 * step)).shape == (1, 1000, 2, 3)


def test_what_flattens_nothing_cannot_slide():
    from striate.models import Stages

    with pytest.raises(ModelError, match="it cannot slide"):
        slide(Stages({"fc": nn.Linear(3, 2)}, channels=3))
