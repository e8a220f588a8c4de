"""What a picture shows, in numbers that a linear classifier can tell classes apart by."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from striate.checking.appearance import VIEW
from striate.data import SMALL, Decoded
from striate.errors import MissingExtra, WeightsError
from striate.handcrafted.hog import hog
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import classifier, create, entry, folded
from striate.models.published import locate
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.progress import stage

NETWORK, WEIGHTS = "efficientnet_lite0", "imagenet"
SMALL_SIDE = 96
BATCH, HOG_BATCH = 32, 1024
MOST = 512  # numbers kept of each picture where there are many pictures
MANY = 20_000


def deep_view(side: int) -> View | None:
    """What the trained network is shown of pictures of that side; None if it is not installed."""
    try:
        locate(f"{NETWORK}.{WEIGHTS}")
    except (MissingExtra, WeightsError):  # looks and gradients do without it
        return None
    if side <= SMALL:
        return View(SMALL_SIDE, fit="squash")
    return View(entry(NETWORK).image_size, fraction=1.0)


def deep(data: Decoded, view: View) -> NDArray[np.float32]:
    """What the trained network says of every image: (N, D).

    Where there are MANY images, D is MOST: random directions, which keep angles and distances
    (Johnson & Lindenstrauss 1984), so that memory stays bounded.
    """
    normalization = entry(NETWORK).normalization
    preprocessing = Preprocessing(view, normalization)
    network = folded(create(NETWORK, weights=WEIGHTS))
    trunk = nn.Sequential(Before(network), nn.Flatten())
    width, pixels = classifier(network)[1].in_features, data.pixels[view]
    if len(pixels) > MANY and width > MOST:
        trunk.append(directions(width))
    model = channels_last(trunk).to(fastest_device())
    with stage("deep features", len(pixels)) as bar:
        return outputs_of(model, preprocessing, pixels, batch_size=BATCH, bar=bar).numpy()


def directions(width: int) -> nn.Linear:
    """MOST random directions of so many numbers, the same every time."""
    layer = nn.Linear(width, MOST, bias=False)
    drawn = torch.randn(width, MOST, generator=torch.Generator().manual_seed(0)) / MOST**0.5
    layer.weight = nn.Parameter(drawn.T.contiguous(), requires_grad=False)
    return layer


def plain(data: Decoded, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gradients of the small gray picture, and its look: (N, 324 + 144). No network is needed."""
    pixels = data.pixels[VIEW]
    width = hog(torch.zeros(1, 1, VIEW.size, VIEW.size)).numel()
    numbers = np.empty((len(pixels), width + vectors.shape[1]), np.float32)
    numbers[:, width:] = vectors
    with torch.no_grad(), stage("gradients", len(pixels)) as bar:
        for first in range(0, len(pixels), HOG_BATCH):
            some = torch.from_numpy(np.ascontiguousarray(pixels[first : first + HOG_BATCH]))
            gradients = hog(some.permute(0, 3, 1, 2).float()).flatten(1)
            numbers[first : first + len(some), :width] = gradients.numpy()
            bar.advance(len(some))
    return numbers
