"""AlexNet (Krizhevsky, Sutskever & Hinton 2012, "ImageNet classification with deep convolutional
neural networks", Section 3) and its one-tower form (Krizhevsky 2014, arXiv:1404.5997).

The paper draws 224 x 224 images; 55 x 55 places of an 11 x 11 filter at stride 4 need 227 x 227,
which is what its published weights were trained on and what `alexnet` takes.
"""

from torch import Tensor, nn

from striate.layers.normalization import LocalResponseNorm
from striate.models.stages import Stages, grid_of, rectified

HIDDEN = 4096


def alexnet(*, classes: int = 1000, channels: int = 3, image_size: int = 227) -> Stages:
    """The two-tower network: groups of 2 are the two GPUs of the paper's Figure 2."""
    layers: dict[str, nn.Module] = {
        "conv1": rectified(nn.Conv2d(channels, 96, 11, stride=4)),
        "norm1": LocalResponseNorm(),  # Section 3.3
        "pool1": nn.MaxPool2d(3, stride=2),
        "conv2": rectified(nn.Conv2d(96, 256, 5, padding=2, groups=2)),
        "norm2": LocalResponseNorm(),
        "pool2": nn.MaxPool2d(3, stride=2),
        "conv3": rectified(nn.Conv2d(256, 384, 3, padding=1)),
        "conv4": rectified(nn.Conv2d(384, 384, 3, padding=1, groups=2)),
        "conv5": rectified(nn.Conv2d(384, 256, 3, padding=1, groups=2)),
        "pool5": nn.MaxPool2d(3, stride=2),
    }
    rows, columns = grid_of(layers, image_size)
    layers |= {
        "flatten": nn.Flatten(),
        "fc6": nn.Sequential(*rectified(nn.Linear(256 * rows * columns, HIDDEN)), nn.Dropout()),
        "fc7": nn.Sequential(*rectified(nn.Linear(HIDDEN, HIDDEN)), nn.Dropout()),
        "fc8": nn.Linear(HIDDEN, classes),
    }
    model = Stages(layers, channels=channels)
    # Section 5: Gaussian weights of 0.01, and ones where a positive start speeds learning.
    for name, stage in model.stages():
        for layer in stage.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                ones = name in ("conv2", "conv4", "conv5", "fc6", "fc7")
                nn.init.constant_(bias_of(layer), 1.0 if ones else 0.0)
    return model


def alexnet_single(*, classes: int = 1000, channels: int = 3, image_size: int = 224) -> Stages:
    """The one-tower network whose weights torchvision publishes: no groups, no normalization.

    Images of other sizes than `image_size` are averaged to the grid that it gives (6 x 6 at 224).
    """
    layers: dict[str, nn.Module] = {
        "conv1": rectified(nn.Conv2d(channels, 64, 11, stride=4, padding=2)),
        "pool1": nn.MaxPool2d(3, stride=2),
        "conv2": rectified(nn.Conv2d(64, 192, 5, padding=2)),
        "pool2": nn.MaxPool2d(3, stride=2),
        "conv3": rectified(nn.Conv2d(192, 384, 3, padding=1)),
        "conv4": rectified(nn.Conv2d(384, 256, 3, padding=1)),
        "conv5": rectified(nn.Conv2d(256, 256, 3, padding=1)),
        "pool5": nn.MaxPool2d(3, stride=2),
    }
    rows, columns = grid_of(layers, image_size)
    layers |= {
        "adapt": nn.AdaptiveAvgPool2d((rows, columns)),
        "flatten": nn.Sequential(nn.Flatten(), nn.Dropout()),
        "fc6": nn.Sequential(*rectified(nn.Linear(256 * rows * columns, HIDDEN)), nn.Dropout()),
        "fc7": rectified(nn.Linear(HIDDEN, HIDDEN)),
        "fc8": nn.Linear(HIDDEN, classes),
    }
    return Stages(layers, channels=channels)


def bias_of(layer: nn.Conv2d | nn.Linear) -> Tensor:
    """The bias of a layer that was built with one."""
    assert layer.bias is not None
    return layer.bias
