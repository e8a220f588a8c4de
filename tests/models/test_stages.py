"""The size of every stage of every network at its published input, as its paper's table has it."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.models import NETWORKS, create, losses
from striate.models.stages import Stages, grid_of, rectified

DECISION = "fc6:4096 fc7:4096 fc8:1000"
ALEXNET_TOP = "conv3:384@13 conv4:384@13 conv5:256@13 pool5:256@6 flatten:9216 " + DECISION
INCEPTIONS = (
    "inception3a:256@28 inception3b:480@28 pool3:480@14 inception4a:512@14 inception4b:512@14 "
    "inception4c:512@14 inception4d:528@14 inception4e:832@14 pool4:832@7 inception5a:832@7 "
    "inception5b:1024@7 pooled:1024 fc:1000"
)
DEEP = "stem:64@56 stage1:256@56 stage2:512@28 stage3:1024@14 stage4:2048@7 pooled:2048 fc:1000"
SHALLOW = "stem:64@56 stage1:64@56 stage2:128@28 stage3:256@14 stage4:512@7 pooled:512 fc:1000"
CIFAR = "stem:16@32 stage1:16@32 stage2:32@16 stage3:64@8 pooled:64 fc:10"


def vgg(counts, normalized=False):
    """Five stages of `counts` convolutions: 224, 112, 56, 28, 14, and 7 at the end."""
    stages = []
    widths = (64, 128, 256, 512, 512)
    for number, (count, width) in enumerate(zip(counts, widths, strict=True), 1):
        side = 448 >> number
        stages += [f"conv{number}_{place}:{width}@{side}" for place in range(1, count + 1)]
        if normalized and number == 1:
            stages.append("norm1:64@224")
        stages.append(f"pool{number}:{width}@{side // 2}")
    return " ".join([*stages, "adapt:512@7 flatten:25088", DECISION])


SIZES = {
    "airbench": "stem:24@31 block1:64@15 block2:256@7 block3:256@3 pooled:256 fc:10",
    "yolo": "conv1:64@112 pool1:64@56 conv2:192@56 pool2:192@28 conv3_1:128@28 conv3_2:256@28 "
    "conv3_3:256@28 conv3_4:512@28 pool3:512@14 conv4_1:256@14 conv4_2:512@14 conv4_3:256@14 "
    "conv4_4:512@14 conv4_5:256@14 conv4_6:512@14 conv4_7:256@14 conv4_8:512@14 conv4_9:512@14 "
    "conv4_10:1024@14 pool4:1024@7 conv5_1:512@7 conv5_2:1024@7 conv5_3:512@7 conv5_4:1024@7 "
    "pooled:1024 fc:1000",
    "fast_yolo": "conv1:16@224 pool1:16@112 conv2:32@112 pool2:32@56 conv3:64@56 pool3:64@28 "
    "conv4:128@28 pool4:128@14 conv5:256@14 pool5:256@7 conv6:512@7 pool6:512@3 pooled:512 fc:1000",
    "lenet5": "pad:1@32 c1:6@28 s2:6@14 c3:16@10 s4:16@5 flatten:400 c5:120 f6:84 output:10",
    "lenet5_1998": "pad:1@32 c1:6@28 s2:6@14 c3:16@10 s4:16@5 c5:120@1 flatten:120 f6:84 output:10",
    "alexnet": "conv1:96@55 norm1:96@55 pool1:96@27 conv2:256@27 norm2:256@27 pool2:256@13 "
    + ALEXNET_TOP,
    "alexnet_single": "conv1:64@55 pool1:64@27 conv2:192@27 pool2:192@13 conv3:384@13 "
    "conv4:256@13 conv5:256@13 pool5:256@6 adapt:256@6 flatten:9216 " + DECISION,
    "zfnet": "conv1:96@110 pool1:96@55 norm1:96@55 conv2:256@26 pool2:256@13 norm2:256@13 "
    + ALEXNET_TOP,
    "overfeat_fast": "conv1:96@56 pool1:96@28 conv2:256@24 pool2:256@12 conv3:512@12 "
    "conv4:1024@12 conv5:1024@12 pool5:1024@6 flatten:36864 fc6:3072 fc7:4096 fc8:1000",
    "overfeat_accurate": "conv1:96@108 pool1:96@36 conv2:256@30 pool2:256@15 conv3:512@15 "
    "conv4:512@15 conv5:1024@15 conv6:1024@15 pool6:1024@5 flatten:25600 "
    "fc7:4096 fc8:4096 fc9:1000",
    "vgg11": vgg((1, 1, 2, 2, 2)),
    "vgg11_lrn": vgg((1, 1, 2, 2, 2), normalized=True),
    "vgg13": vgg((2, 2, 2, 2, 2)),
    "vgg16_c": vgg((2, 2, 3, 3, 3)),
    "vgg16": vgg((2, 2, 3, 3, 3)),
    "vgg19": vgg((2, 2, 4, 4, 4)),
    "vgg11_bn": vgg((1, 1, 2, 2, 2)),
    "vgg13_bn": vgg((2, 2, 2, 2, 2)),
    "vgg16_bn": vgg((2, 2, 3, 3, 3)),
    "vgg19_bn": vgg((2, 2, 4, 4, 4)),
    "googlenet": "conv1:64@112 pool1:64@56 norm1:64@56 conv2_reduce:64@56 conv2:192@56 "
    "norm2:192@56 pool2:192@28 " + INCEPTIONS,
    "googlenet_bn": "conv1:64@112 pool1:64@56 conv2_reduce:64@56 conv2:192@56 pool2:192@28 "
    + INCEPTIONS,
    "resnet18": SHALLOW,
    "resnet34": SHALLOW,
    "resnet50": DEEP,
    "resnet101": DEEP,
    "resnet152": DEEP,
    "resnet20": CIFAR,
    "resnet32": CIFAR,
    "resnet44": CIFAR,
    "resnet56": CIFAR,
    "resnet110": CIFAR,
    "efficientnet_lite0": "stem:32@112 stage1:16@112 stage2:24@56 stage3:40@28 stage4:80@14 "
    "stage5:112@14 stage6:192@7 stage7:320@7 head_conv:1280@7 pooled:1280 fc:1000",
    "efficientnet_lite1": "stem:32@120 stage1:16@120 stage2:24@60 stage3:40@30 stage4:80@15 "
    "stage5:112@15 stage6:192@8 stage7:320@8 head_conv:1280@8 pooled:1280 fc:1000",
    "efficientnet_lite2": "stem:32@130 stage1:16@130 stage2:24@65 stage3:48@33 stage4:88@17 "
    "stage5:120@17 stage6:208@9 stage7:352@9 head_conv:1280@9 pooled:1280 fc:1000",
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_stage_has_its_published_size(name, described):
    found = [
        f"{row.name}:{'@'.join(map(str, row.output[:2]))}"
        for row in described(name).stages
        if len(row.output) < 3 or row.output[1] == row.output[2]
    ]
    assert found == SIZES[name].split()


def small():
    return Stages(
        {
            "conv1": rectified(nn.Conv2d(3, 4, 3)),
            "pool1": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "fc": nn.Linear(36, 5),
        },
        channels=3,
    )


def test_features_are_what_forward_computes_on_its_way():
    model = small()
    images = torch.randn(2, 3, 8, 8)
    features = model.features(images)
    assert list(features) == ["conv1", "pool1", "flatten"]
    assert features["conv1"].min() == 0  # after the rectifier
    torch.testing.assert_close(model.fc(features["flatten"]), model(images))


def test_any_classifier_learns_by_the_cross_entropy_where_its_paper_has_no_other_loss():
    images, targets = torch.randn(4, 3, 8, 8), torch.tensor([0, 4, 2, 2])
    model = small()
    expected = nn.functional.cross_entropy(model(images), targets, label_smoothing=0.1)
    for each in (model, nn.Sequential(model)):
        found = losses(each, images, targets, label_smoothing=0.1)
        assert list(found) == ["cross_entropy"]
        torch.testing.assert_close(found["cross_entropy"], expected)


def test_a_networks_own_losses_are_found_inside_whatever_computes_it():
    model = create("lenet5_1998")
    images, targets = torch.randn(2, 1, 28, 28), torch.tensor([1, 2])
    found = losses(nn.Sequential(model), images, targets)
    assert found == model.losses(images, targets)
    assert list(found) == ["discriminative"]


def test_images_are_left_as_they_were():
    images = torch.randn(2, 3, 8, 8)
    before = images.clone()
    small()(images)
    assert torch.equal(images, before)


def test_an_error_that_shapes_do_not_explain_goes_on():
    with pytest.raises(RuntimeError, match="type") as caught:
        small()(torch.randn(1, 3, 8, 8, dtype=torch.float64))
    assert not isinstance(caught.value, ModelError)


def test_the_grid_names_the_layer_for_which_too_little_is_left():
    layers = {"conv1": nn.Conv2d(3, 4, 5), "pool1": nn.MaxPool2d(3)}
    assert grid_of(layers, 11) == (2, 2)
    with pytest.raises(ModelError, match="only 2 x 2 is left at pool1"):
        grid_of(layers, 6)


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998", "resnet20"])
def test_networks_are_exported_for_any_number_of_images(name):
    model = create(name).eval()
    size = model.image_size
    images = torch.randn(2, model.channels, size, size)
    batch = torch.export.Dim("batch", min=1, max=8)
    exported = torch.export.export(model, (images,), dynamic_shapes=({0: batch},)).module()
    torch.testing.assert_close(exported(images[:1]), model(images[:1]))
