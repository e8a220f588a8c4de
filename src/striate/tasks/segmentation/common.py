"""What the pictures of a set have in common: the first principal component of all their deep
descriptors (Wei et al. 2019, Unsupervised object discovery and co-localization by deep descriptor
transforming, Section 3). It says where something of the set's kind is, without any label."""

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.data import VOID
from striate.inference import device_of, evaluating, fastest_device
from striate.models import Normalization, create, folded
from striate.models.backbone import network_stages
from striate.models.dense import grown
from striate.models.stages import Stages
from striate.models.weldon import Weldon, weldon
from striate.models.weldon_maps import SHARPNESS, stretched
from striate.ops.memory import channels_last
from striate.progress import track
from striate.tasks.backbones import trained_weights
from striate.tasks.contract import Ask
from striate.tasks.segmentation.pictures import Scaled

SIDE = 448  # pixels of the longer side of pictures that are described
MULTIPLE = 32
MOST = 254  # what 1 is written as; 255 is void


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


def objectness(
    data: Scaled, rows: Iterable[int], name: str, ask: Ask, normalization: Normalization,
    marks: Mapping[int, Tensor],
) -> dict[int, Tensor]:  # fmt: skip
    """(H, W) uint8 of each picture, how likely a pixel is some object, 0 to MOST.

    Args:
        name: of the network whose descriptors are compared.
        marks: of pictures, maps in which a few pixels have a class, 0 the background: they say
            which way the component points.
    """
    network = weldon(1, backbone=name, hidden=False, last=network_stages(name)[-1].name)
    describe = filled(network, name, ask)
    features = {}
    for row in track(list(rows), "what pictures have in common"):
        picture = data.picture(row)
        height, width = picture.shape[:2]
        scale = SIDE / max(height, width)
        size = (max(1, round(scale * height)), max(1, round(scale * width)))
        larger = F.interpolate(picture.permute(2, 0, 1)[None].float(), size=size, mode="bilinear")
        features[row] = described(describe, normalization, larger[0].permute(1, 2, 0))
    direction, mean, _ = component(features.values())
    along, agreed = {}, 0.0
    for row, one in features.items():
        map = torch.einsum("d,dhw->hw", direction, one - mean[:, None, None])
        height, width = data.picture(row).shape[:2]
        each = MULTIPLE * max(height, width) / SIDE  # pixels that a place stands for
        size = (max(height, round(each * map.shape[0])), max(width, round(each * map.shape[1])))
        full = F.interpolate(map[None, None], size=size, mode="bilinear")[0, 0, :height, :width]
        along[row] = full
        if row in marks:
            marked = marks[row]
            for sign, those in ((1, (marked > 0) & (marked != VOID)), (-1, marked == 0)):
                agreed += sign * float(full[those].sum()) / max(1, int(those.sum()))
    turned = 1.0 if agreed >= 0 else -1.0
    found = {}
    for row, full in along.items():
        share = torch.sigmoid((stretched(turned * full[None, None])[0, 0] - 0.5) / SHARPNESS)
        found[row] = (MOST * share).round().to(torch.uint8).cpu()
    return found
