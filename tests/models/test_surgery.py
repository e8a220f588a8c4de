"""Another head, a cut, folded normalization."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models import classifier, create, cut, folded, replace_head
from striate.models.skeletons import skeleton


class Foreign(nn.Module):
    """Somebody's network: not ours, its classifier not defined last in the file."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
        self.head = nn.ModuleDict({"hidden": nn.Linear(4, 6), "logits": nn.Linear(6, 9)})

    def forward(self, images):
        x = self.body(images).mean((2, 3))
        return self.head["logits"](self.head["hidden"](x))


def test_the_classifier_is_the_last_full_connection():
    assert classifier(create("lenet5"))[0] == "output"
    assert classifier(create("resnet20"))[0] == "fc"
    name, layer = classifier(Foreign())
    assert (name, layer.out_features) == ("head.logits", 9)
    with skeleton():
        assert classifier(create("googlenet"))[0] == "fc"  # not an auxiliary one
    with pytest.raises(ModelError, match=r"Sequential has no full connection"):
        classifier(nn.Sequential(nn.Conv2d(3, 4, 3)))


def test_the_head_is_replaced_in_place_and_the_rest_kept():
    model = Foreign()
    before = model.head["hidden"]
    assert replace_head(model, 2) is model
    assert model.head["hidden"] is before
    assert model(torch.randn(1, 3, 8, 8)).shape == (1, 2)
    with pytest.raises(ModelError, match="at least one class, not 0"):
        replace_head(model, 0)


def test_a_head_keeps_dtype_device_and_bias():
    model = nn.Sequential(nn.Linear(3, 4, bias=False).double())
    replace_head(model, 2)
    assert model[0].bias is None
    assert model[0].weight.dtype == torch.float64


def test_auxiliary_heads_are_replaced_too():
    with skeleton():
        model = replace_head(create("googlenet"), 5).eval()
        logits = model.classifiers(torch.empty(1, 3, 224, 224))
    assert {name: tuple(value.shape) for name, value in logits.items()} == {
        "logits": (1, 5),
        "auxiliary1": (1, 5),
        "auxiliary2": (1, 5),
    }


@pytest.mark.parametrize("layer", ["stage2", "stage2.0.conv1", "pooled"])
def test_a_cut_gives_what_the_layer_gave(layer):
    model = create("resnet20").eval()
    images = torch.randn(2, 3, 32, 32)
    seen = []
    handle = model.get_submodule(layer).register_forward_hook(lambda m, i, o: seen.append(o))
    model(images)
    handle.remove()
    torch.testing.assert_close(cut(model, layer)(images), seen[0])
    assert not model.get_submodule(layer)._forward_hooks


def test_a_cut_shares_its_layers_and_knows_their_names():
    model = Foreign()
    part = cut(model, "head.hidden")
    assert part.get_submodule("model.body") is model.body
    assert part(torch.randn(1, 3, 8, 8)).shape == (1, 6)
    with pytest.raises(UnknownName, match=r"no layer of Foreign is called 'head.hiden'; did you"):
        cut(model, "head.hiden")


def test_a_cut_gives_its_hook_back_after_an_error():
    model = Foreign()
    with pytest.raises(RuntimeError):
        cut(model, "head.hidden")(torch.randn(1, 5, 8, 8))
    assert not model.head["hidden"]._forward_hooks


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet20", "efficientnet_lite0"])
def test_folding_changes_no_answer(name):
    model = create(name)
    with torch.no_grad():
        model(torch.randn(8, 3, 64, 64))  # statistics that are not 0 and 1
    model.eval()
    quick = folded(model)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in quick.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in model.modules())
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(quick(images), model(images), rtol=1e-4, atol=1e-5)
