"""WELDON as a classifier: what it begins with, and how it is kept."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from striate import recognizer
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.models.weldon import weldon
from striate.recognizer import Recognizer
from striate.tasks.classification.heads import Head
from striate.tasks.classification.network import Network
from striate.tasks.classification.task import Classification
from striate.tasks.classification.weldon import averaged, put

OPTIONS = {"backbone": "lenet5", "channels": 3, "hidden": False, "strongest": 2, "weakest": 2}


def network() -> Network:
    torch.manual_seed(0)
    model = weldon(3, **OPTIONS)  # type: ignore[arg-type]
    nn.init.normal_(model.get_submodule("regions.scores").weight)  # type: ignore[arg-type]
    preprocessing = Preprocessing(View(40, fit="squash"), Normalization((127.5,) * 3, (127.5,) * 3))
    return Network(
        model=model.eval(),
        architecture={"name": "weldon", "options": OPTIONS},
        preprocessing=preprocessing,
        classes=3,
    )


def test_where_all_regions_are_alike_it_begins_as_the_solved_classifier() -> None:
    mine = network().model
    width = mine.get_submodule("regions.scores").weight.shape[1]
    head = Head(torch.randn(3, width), torch.randn(3), 1.0, 1.0)
    put(head, mine)
    maps = torch.randn(2, width, 1, 1).expand(2, width, 4, 4)
    found = mine.get_submodule("regions")(maps)
    wanted = head(maps[:, :, 0, 0].numpy())
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_what_is_solved_on_is_the_mean_over_regions() -> None:
    mine = network().model
    images = torch.randn(2, 3, 40, 40)
    maps = list(mine.features(images).values())[-1]  # type: ignore[operator]
    torch.testing.assert_close(averaged(mine)(images).flatten(1), maps.mean((2, 3)))


def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    mine = network()
    Recognizer(Classification(), mine, ("a", "b", "c"), {}).save(tmp_path / "w.safetensors")
    again = recognizer.load(tmp_path / "w.safetensors").predictor
    pixels = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), dtype=np.uint8)
    assert isinstance(again, Network)
    assert np.array_equal(mine.answers(pixels)[0], again.answers(pixels)[0])
