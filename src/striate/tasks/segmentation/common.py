"""What the pictures of a set have in common: the first principal component of all their deep
descriptors (Wei et al. 2019, Unsupervised object discovery and co-localization by deep descriptor
transforming, Section 3). It says where something of the set's kind is, without any label."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from striate.inference import device_of, evaluating, fastest_device
from striate.layers.dense_crf import CRFSettings
from striate.models import Normalization, create, folded
from striate.models.dense import grown
from striate.models.stages import Stages
from striate.models.weldon import Weldon
from striate.ops.memory import channels_last
from striate.tasks.backbones import trained_weights
from striate.tasks.contract import Ask

SIDE = 448  # pixels of the longer side of pictures that are described
MULTIPLE = 32
# Maps of deep layers are far off at borders: colors count for more than behind a network of masks.
FIELDS = tuple(
    CRFSettings(smooth_weight=3.0, weight=weight, place=60.0, color=color, rounds=5)
    for weight, color in ((5.0, 10.0), (10.0, 10.0), (10.0, 5.0))
)


def described(network: nn.Module, normalization: Normalization, pixels: Tensor) -> Tensor:
    """(D, rows, columns) of a picture (H, W, 3) uint8 by a network that gives maps."""
    with evaluating(network):
        images = normalization(pixels.to(device_of(network)).permute(2, 0, 1)[None])
        found: Tensor = network(grown(images, MULTIPLE))
    return found[0]


def component(features: Iterable[Tensor]) -> tuple[Tensor, Tensor, float]:
    """The first principal component of descriptors (D, rows, columns) of pictures.

    Returns:
        the direction (D,), whose sign is arbitrary, the mean (D,), and the share of the variance.
    """
    total = torch.cat([one.flatten(1).T for one in features]).double()
    mean = total.mean(0)
    values, vectors = torch.linalg.eigh((total - mean).T @ (total - mean))
    return vectors[:, -1].float(), mean.float(), float(values[-1] / values.sum().clamp(min=1e-30))


def filled(network: Weldon, name: str, ask: Ask) -> nn.Module:
    """Gives it the weights that are asked for of the classifier `name`; returns what computes its
    descriptors, images to maps."""
    classifier = create(name, weights=trained_weights(name, ask.weights))
    assert isinstance(classifier, Stages)
    network.fill(classifier)
    trunk = folded(nn.Sequential(*(stage for _, stage in list(network.stages())[:-1])))
    return channels_last(trunk).to(fastest_device())
