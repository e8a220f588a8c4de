"""Outputs for stored pixels do not depend on how these are cut into batches."""

import numpy as np
import torch
from torch import nn

from striate.images import View
from striate.inference import Preprocessing
from striate.inference.outputs import outputs_of
from striate.models import Normalization

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 8, 8, 3), dtype=np.uint8)
RULE = Preprocessing(View(8), Normalization((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)))


class Counted:
    """A stage that counts."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done.append(steps)


def test_batches_modes_and_gradients() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten())
    bar = Counted()
    some = outputs_of(model, RULE, PIXELS, batch_size=3, bar=bar)
    assert bar.done == [3, 3, 1]
    assert model.training
    assert not some.requires_grad
    model.eval()
    torch.testing.assert_close(some, model(RULE.tensor(PIXELS)).detach())


def test_anything_that_takes_images_may_compute() -> None:
    found = outputs_of(lambda images: images.mean((1, 2, 3)).double(), RULE, PIXELS)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(
        found.numpy(), ((PIXELS - [1, 2, 3]) / [4, 5, 6]).mean((1, 2, 3)), rtol=1e-5
    )
