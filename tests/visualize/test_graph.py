"""Networks as operations: which kind each is, what is folded, and who is refused."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate.models import create
from striate.visualize._occlusion import occlusion
from striate.visualize.graph import Untraceable, network_of


class Net(nn.Module):
    """A trunk of one convolution, what is asked between, and a head."""

    def __init__(self, between):
        super().__init__()
        self.conv, self.head, self.between = nn.Conv2d(1, 3, 3, padding=1), nn.Linear(3, 2), between

    def forward(self, x):
        return self.head(self.between(self.conv(x)).mean((2, 3)))


IMAGE = torch.randn(1, 1, 8, 8)


def kinds(model, image=IMAGE):
    return [operation.kind for operation in network_of(model, image).operations]


def test_a_chain():
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(18, 2),
    )  # fmt: skip
    expected = ["input", "window", "pointwise", "pointwise", "window", "whole", "whole"]
    assert kinds(net) == expected


def test_batch_norm_is_folded_and_the_model_keeps_its_own():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.LazyLinear(2))
    net(IMAGE.repeat(2, 1, 1, 1))
    before = [name for name, _ in net.named_modules()], net[0].weight.clone()
    network = network_of(net, IMAGE)
    torch.testing.assert_close(network.values[1], network.values[2])  # nothing left to do
    torch.testing.assert_close(network.values[2], net.eval()[:2](IMAGE))
    assert before[0] == [name for name, _ in net.named_modules()]
    torch.testing.assert_close(before[1], net[0].weight)


def test_a_convolution_that_others_read_is_not_folded():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)
            nn.init.normal_(self.norm.running_mean)

        def forward(self, x):
            y = self.conv(x)
            return (self.norm(y) - y).mean((2, 3))

    model = Twice().eval()
    torch.testing.assert_close(network_of(model, IMAGE).values[-1], model(IMAGE))


def test_who_reads_what_was_overwritten_reads_the_new():
    def overwritten(x):
        y = x.relu_()
        return x + 2 * y  # x is y here

    model = Net(overwritten).eval()
    network = network_of(model, IMAGE)
    torch.testing.assert_close(network.values[network.output], model(IMAGE))
    assert (network.values[1] < 0).any()  # the convolution's own result was kept as it was


def test_the_size_of_a_map_is_no_map():
    operations = network_of(Net(lambda x: x.view(x.size(0), 3, -1, 4)), IMAGE).operations
    assert [o.kind for o in operations][:4] == ["input", "window", "shape", "whole"]


def test_a_product_with_what_the_whole_map_says_is_whole():
    operations = network_of(Net(lambda x: x * x.mean((2, 3), keepdim=True)), IMAGE).operations
    product = operations[3]
    assert (product.kind, product.known) == ("whole", True)


@pytest.mark.parametrize(
    ("between", "name"),
    [
        (lambda x: F.interpolate(x, scale_factor=2.0), "interpolate"),
        (lambda x: x.flip(2), "flip"),
        (lambda x: torch.roll(x, 1, 3), "roll"),
        (lambda x: x * torch.arange(8.0), "mul"),
        (lambda x: torch.cat([x, x], 2), "cat"),
        (lambda x: x.softmax(2), "softmax"),
        (lambda x: x[:, :, 1:], "getitem"),
        (nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"), "between"),
        (nn.BatchNorm2d(3, track_running_stats=False), "between"),
    ],
    ids=["interpolate", "flip", "roll", "places", "rows", "softmax", "slice", "reflect", "batch"],
)
def test_what_has_no_rule_is_computed_whole(between, name):
    model = Net(between).eval()
    operations = network_of(model, IMAGE).operations
    first = next(o for o in operations if o.kind == "whole")
    assert name in first.name
    if name == "mul":
        return  # a product is known; that the factor differs from place to place makes it whole
    assert not first.known


def test_no_rule_is_told_and_the_answers_are_right():
    model = Net(lambda x: x.flip(2)).double()
    with pytest.warns(UserWarning, match="it is not known what flip reads"):
        found = occlusion(model, IMAGE.double(), size=3, stride=2)
    whole = occlusion(model, IMAGE.double(), size=3, stride=2, incremental=False)
    assert found.probability == pytest.approx(whole.probability, abs=1e-12)


class Undecided(nn.Module):
    """Looks at the image before it computes."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 2)

    def forward(self, x):
        if x.mean() > 0:
            x = -x
        return self.head(x.flatten(1))


def test_decisions_cannot_be_followed():
    with pytest.raises(Untraceable, match=r"torch.fx cannot trace it"):
        network_of(Undecided(), IMAGE)


def test_another_computation_is_refused():
    class Half(nn.Module):
        def forward(self, x):
            scale = 1 if isinstance(x, torch.Tensor) else 2  # told apart by the tracer's symbols
            return scale * x.mean((2, 3))

    with pytest.raises(Untraceable, match="something else"):
        network_of(Half(), IMAGE)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (lambda: Pair(), "more than one tensor"),
        (lambda: Twin(), "more than the images"),
    ],
    ids=["two results", "two inputs"],
)
def test_other_forms_are_refused(model, reason):
    with pytest.raises(Untraceable, match=reason):
        network_of(model(), IMAGE)


class Pair(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)), x


class Twin(nn.Module):
    def forward(self, x, y=None):
        return x.mean((2, 3)) if y is None else x + y


@pytest.mark.parametrize("name", ["alexnet_single", "vgg11_bn", "resnet50", "googlenet"])
def test_the_networks_of_the_lectures_are_followed_to_their_heads(name):
    with torch.device("meta"):
        model = create(name)
    model = model.to_empty(device="cpu")
    for tensor in (*model.parameters(), *model.buffers()):
        torch.nn.init.constant_(tensor, 0.01) if tensor.is_floating_point() else tensor.zero_()
    operations = network_of(model, torch.zeros(1, 3, 224, 224)).operations
    assert all(operation.known for operation in operations)
    heads = {"adapt", "flatten.0", "flatten", "pooled.0"}
    first = next(o for o in operations if o.kind == "whole")
    assert first.name in heads
