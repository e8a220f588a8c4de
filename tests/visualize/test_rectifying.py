"""The way back: pencil first, then the chain of the paper, then Captum where it is right."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate.errors import ModelError
from striate.layers import LocalResponseNorm
from striate.models import create
from striate.models.efficientnet import ReLU6
from striate.visualize._activations import activations
from striate.visualize.deconvnet import project, rule_for
from striate.visualize.rectifying import RECTIFIERS, going_back

IMAGE = torch.tensor([[[[1.0, 2, 0, 1], [0, -1, 3, 0], [-1, 0, 0, 0], [4, 0, -2, -3]]]])


def small() -> nn.Sequential:
    """Double it, rectify, pool by 2, then one filter (1, -1; 0, 3) and a bias of 3."""
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(), nn.MaxPool2d(2),
                        nn.Conv2d(1, 1, 2), nn.ReLU())  # fmt: skip
    with torch.no_grad():
        net[0].weight.fill_(2)
        net[3].weight.copy_(torch.tensor([[[[1.0, -1], [0, 3]]]]))
        net[3].bias.fill_(3)
    return net


def test_four_by_four_by_hand():
    """Pooled: 4 from (0, 1), 6 from (1, 2), 8 from (3, 0), 0 from (2, 2), the first of equals.
    4 - 6 + 0 + 0 + 3 = 1 is the activation. Its way back: the filter gives 1, -1, 0, 3; unpooled,
    rectified (the -1 goes), doubled."""
    expected = torch.zeros(4, 4)
    expected[0, 1], expected[2, 2] = 2, 6
    assert torch.equal(project(small(), IMAGE, "4", channels=[0])[0, 0], expected)
    expected[2, 2] = 0  # what came through there was 0, so guided back-propagation stops it
    guided = project(small(), IMAGE, "4", channels=[0], rule="guided")
    assert torch.equal(guided[0, 0], expected)
    image = IMAGE.clone().requires_grad_()
    small()(image).sum().backward()  # and the gradient knows no rectification on the way back
    expected[1, 2] = -2
    assert torch.equal(image.grad[0, 0], expected)


def test_equals_the_papers_chain_on_a_vgg_like_network():
    """Section 2.1 written out: convolution, rectifier, pooling with switches, three times over;
    then unpooling, rectification, transposed filtering."""
    torch.manual_seed(1)
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 8), (8, 8), (8, 12)):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True),
                   nn.Conv2d(outputs, outputs, 3, padding=1), nn.ReLU(inplace=True),
                   nn.MaxPool2d(2)]  # fmt: skip
    net = nn.Sequential(*layers).double()
    images = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    channels, rows, columns = [3, 7], [1, 0], [0, 1]

    x, kept = images, []
    for layer in net:
        before = x
        if isinstance(layer, nn.MaxPool2d):
            x, switches = F.max_pool2d(x, 2, return_indices=True)
            kept.append((switches, before.shape))
        else:
            x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
            kept.append(None)
    signal = torch.zeros_like(x)
    for n in range(2):
        signal[n, channels[n], rows[n], columns[n]] = x[n, channels[n], rows[n], columns[n]]
    for layer, memory in zip(reversed(net), reversed(kept), strict=True):
        if isinstance(layer, nn.MaxPool2d):
            signal = F.max_unpool2d(signal, memory[0], 2, output_size=memory[1][2:])
        elif isinstance(layer, nn.ReLU):
            signal = F.relu(signal)
        else:
            signal = F.conv_transpose2d(signal, layer.weight, padding=1)

    found = project(net, images, "14", channels=channels, rows=rows, columns=columns)
    assert signal.abs().sum() > 0
    torch.testing.assert_close(found, signal, rtol=1e-12, atol=1e-14)


class Once(nn.Module):
    """Three convolutions; what rectifies between them is said when it is made."""

    def __init__(self, how: str):
        super().__init__()
        self.how = how
        self.convolutions = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in range(3))
        self.shared = nn.ReLU(inplace=how == "shared in place")
        self.each = nn.ModuleList(nn.ReLU(inplace=True) for _ in range(3))
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        first = None
        for number, convolution in enumerate(self.convolutions):
            x = self.norm(convolution(x))
            if number:
                x = x + first
            x = self.rectified(x, number)
            first = x if first is None else first
        return x

    def rectified(self, x, number):
        if self.how == "ignored result":
            x.relu_()
            return x
        ways = {
            "function": F.relu,
            "torch": torch.relu,
            "method": lambda x: x.relu(),
            "in place": lambda x: F.relu(x, inplace=True),
            "positional": lambda x: F.relu(x, True),
            "underscore": torch.relu_,
            "clamp": lambda x: x.clamp(min=0),
            "clamp_": lambda x: x.clamp_(0),
            "clip": lambda x: torch.clip(input=x, min=0),
            "threshold": lambda x: F.threshold(x, 0.0, 0.0),
            "shared": self.shared,
            "shared in place": self.shared,
            "each": self.each[number],
        }
        return ways[self.how](x)


WAYS = ("torch", "method", "in place", "positional", "underscore", "ignored result", "clamp",
        "clamp_", "clip", "threshold", "shared", "shared in place", "each")  # fmt: skip


@pytest.mark.parametrize("rule", ["deconvnet", "guided"])
@pytest.mark.parametrize("how", WAYS)
def test_however_a_rectifier_is_written_the_way_back_is_the_same(how, rule):
    torch.manual_seed(2)
    plain, other = Once("function"), Once(how)
    other.load_state_dict(plain.state_dict())
    images = torch.randn(2, 3, 8, 8)
    found = [project(nn.Sequential(net), images, "0", channels=[1, 2], rule=rule)
             for net in (plain, other)]  # fmt: skip
    assert found[0].abs().sum() > 0
    assert torch.equal(found[0], found[1])


def test_every_rectifier_lets_only_the_positive_back():
    x = torch.linspace(-3, 8, 40)
    signal = torch.linspace(5, -5, 40)
    for function in RECTIFIERS:
        source = x.clone().requires_grad_()
        extra = (torch.tensor([0.25]),) if "prelu" in function.__name__ else ()
        with going_back(nn.Identity(), "deconvnet"):
            result = function(source * 1, *extra)
        with torch.no_grad():
            expected = function(x.clone(), *extra)
        (back,) = torch.autograd.grad(result, source, signal)
        assert torch.equal(back, signal.clamp(min=0)), function
        if "rrelu" not in function.__name__:
            assert torch.equal(result, expected), function


def test_what_only_looks_like_a_rectifier_is_left_alone():
    x = torch.linspace(-3, 3, 7).requires_grad_()
    with going_back(nn.Identity(), "deconvnet"):
        for result in (x.clamp(-1, 1), F.hardtanh(x), torch.tanh(x), F.threshold(x, 1.0, 0.0)):
            (back,) = torch.autograd.grad(result, x, -torch.ones(7), retain_graph=True)
            assert back.min() < 0


def test_our_own_modules_that_bring_a_backward_pass():
    x = torch.linspace(-3, 8, 12).requires_grad_()
    with going_back(net := ReLU6(), "deconvnet"):
        result = net(x * 1)
    assert torch.equal(result, x.detach().clamp(0, 6))
    (back,) = torch.autograd.grad(result, x, torch.linspace(-1, 1, 12))
    assert torch.equal(back, torch.linspace(-1, 1, 12).clamp(min=0))

    maps = torch.randn(1, 6, 2, 2, requires_grad=True)
    for net in (LocalResponseNorm(5, alpha=1e-4), nn.LocalResponseNorm(5, k=2)):
        with going_back(net, "deconvnet"):
            result = net(maps * 1)
        (back,) = torch.autograd.grad(result, maps, torch.ones_like(maps))
        torch.testing.assert_close(result, F.local_response_norm(maps, 5, k=2))
        assert torch.equal(back, torch.ones_like(maps))


def test_everything_is_given_back_also_after_an_error():
    net = nn.Sequential(ReLU6(), LocalResponseNorm(3), nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True))
    net.train()
    images = torch.randn(1, 4, 5, 5)
    before = net(images.clone().requires_grad_() * 1)
    project(net, images, "3", channels=[0])
    with pytest.raises(ModelError, match="feature maps 0 to 3, not 9"):
        project(net, images, "3", channels=[9])
    with pytest.raises(RuntimeError):
        project(net, torch.randn(1, 3, 5, 5), "3", channels=[0])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert all(module.training for module in net.modules())
    assert not torch.overrides._get_current_function_mode_stack()
    assert torch.equal(net(images.clone().requires_grad_() * 1), before)
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    (back,) = torch.autograd.grad(F.relu(x), x, torch.tensor([1.0, -1.0]))
    assert back.tolist() == [0, -1]


def test_torchscript_is_refused():
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        script = torch.jit.script(small())
    with pytest.raises(ModelError, match="TorchScript"):
        project(nn.Sequential(script), IMAGE, "0", channels=[0], rule="deconvnet")


@pytest.mark.parametrize("name", ["resnet20", "googlenet_bn", "efficientnet_lite0", "alexnet"])
def test_graphs_of_every_kind_with_their_trunk_frozen(name):
    """Residual, Inception, inverted bottlenecks, response normalization: going back is linear in
    the signal's strength, rests on what the unit sees, and needs no parameter that learns."""
    net = create(name).requires_grad_(False)
    layer = {"resnet20": "stage2", "googlenet_bn": "inception3a", "alexnet": "conv3"}.get(name)
    layer = layer or "stage3"
    side = 32 if name == "resnet20" else 96
    images = torch.randn(1, 3, side, side)
    rule = rule_for(net, images, layer)
    assert rule == ("guided" if name in ("resnet20", "efficientnet_lite0") else "deconvnet")
    strongest = int(activations(net, images, layer).order[0])
    back = project(net, images, layer, channels=[strongest], rule=rule)
    assert back.shape == images.shape
    assert back.abs().max() > 0
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_guided_agrees_with_captum_where_every_rectifier_is_a_module():
    captum = pytest.importorskip("captum.attr")
    torch.manual_seed(3)
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3),
                        nn.ReLU(), nn.Flatten(), nn.Linear(8 * 25, 4)).eval()  # fmt: skip
    images = torch.randn(1, 3, 16, 16)
    for theirs, rule in ((captum.GuidedBackprop, "guided"), (captum.Deconvolution, "deconvnet")):
        with pytest.warns(UserWarning, match="hooks"):
            expected = theirs(net).attribute(images.clone().requires_grad_(), target=2)
        image = images.clone().requires_grad_()
        with going_back(net, rule):
            score = net(image)[0, 2]
        (found,) = torch.autograd.grad(score, image)
        torch.testing.assert_close(found, expected)
