"""Receptive fields through whole networks: what gradients say about every unit."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate.models import create, describe
from striate.models.tracing import Tracer, fields_of


def seen_by_gradient(layers, images, row, column):
    """The rows and columns of pixels that a unit's gradient reaches."""
    x = images.clone().requires_grad_()
    layers(x)[0, :, row, column].sum().backward()
    reached = x.grad[0].abs().sum(0)
    return reached.sum(1).nonzero().flatten(), reached.sum(0).nonzero().flatten()


def positive(model):
    """All weights positive and all poolings averages, so that nothing cancels or is chosen."""
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.ones_(module.weight)
        if isinstance(module, nn.ReLU6):
            module.max_val = float("inf")  # nothing saturates
        if isinstance(module, nn.MaxPool2d):
            parent, _, child = name.rpartition(".")
            average = nn.AvgPool2d(module.kernel_size, module.stride, module.padding,
                                   ceil_mode=module.ceil_mode)  # fmt: skip
            model.get_submodule(parent)._modules[child] = average
    return model.double().eval()


@pytest.mark.parametrize(
    ("name", "stage", "size"),
    [
        ("resnet20", "stage3", 128),
        ("googlenet_bn", "inception3b", 192),
        ("efficientnet_lite0", "stage3", 128),
        ("vgg11", "pool4", 160),
        ("lenet5", "s4", 32),
    ],
)
def test_the_field_of_a_unit_is_where_its_gradient_goes(name, stage, size):
    options = {"image_size": size} if name in ("vgg11", "lenet5") else {}
    model = positive(create(name, **options))
    row = next(row for row in describe(model, size).stages if row.name == stage)
    layers = nn.Sequential(*[s for n, s in model.stages()][: model.stage_names.index(stage) + 1])
    down, across = row.field
    unit = row.output[1] // 2
    images = torch.ones(1, model.channels, size, size, dtype=torch.float64)
    rows, columns = seen_by_gradient(layers, images, unit, unit)
    inside = [p for p in down.pixels(unit) if 0 <= p < size]
    assert (rows.min(), rows.max()) == (inside[0], inside[-1])
    assert (columns.min(), columns.max()) == (inside[0], inside[-1])
    assert across == down


def traced(function, *shape):
    x = torch.zeros(shape)
    with Tracer() as tracer:
        tracer.start(x)
        return fields_of(function(x)), tracer.multiply_adds


def test_functions_are_followed():
    fields, cost = traced(lambda x: F.conv2d(x, torch.ones(2, 1, 3, 5), padding=(0, 2)), 1, 1, 9, 9)
    assert [(f.size, f.offset) for f in fields] == [(3, 0), (5, -2)]
    assert cost == 2 * 15 * 7 * 9
    fields, _ = traced(lambda x: F.pad(x, (1, 2, 3, 4)), 1, 1, 9, 9)
    assert [f.offset for f in fields] == [-3, -1]
    fields, _ = traced(lambda x: x[:, :, 1::2, ::3], 1, 1, 9, 9)
    assert [(f.stride, f.offset) for f in fields] == [(2, 1), (3, 0)]
    fields, _ = traced(lambda x: torch.cat([x, F.max_pool2d(x, 3, 1, 1)], 1), 1, 1, 9, 9)
    assert [(f.size, f.offset) for f in fields] == [(3, -1)] * 2
    fields, cost = traced(lambda x: x.flatten(1) @ torch.ones(81, 4), 1, 1, 9, 9)
    assert [f.size for f in fields] == [9, 9]
    assert cost == 81 * 4


def test_what_differs_from_unit_to_unit_is_unknown():
    assert traced(lambda x: F.interpolate(x, scale_factor=2), 1, 1, 4, 4)[0] is None
    assert traced(lambda x: F.adaptive_avg_pool2d(x, 3), 1, 1, 4, 4)[0] is None
    assert traced(lambda x: torch.ones(3), 1, 1, 4, 4)[0] is None
    joined = traced(lambda x: x[:, :, :2, :2] + x[:, :, ::2, ::2], 1, 1, 4, 4)[0]
    assert joined is None


def test_batch_normalization_without_contents_has_the_shape_and_refuses_what_does_not_fit():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to("meta")
    images = torch.empty(2, 3, 9, 7, device="meta")
    with Tracer() as tracer:
        tracer.start(images)
        found = network(images)
    assert found.shape == (2, 4, 7, 5)
    assert [axis.size for axis in fields_of(found)] == [3, 3]
    network[1] = nn.BatchNorm2d(5).to("meta")
    with pytest.raises(RuntimeError), Tracer():
        network.eval()(images)
