"""DeepFace: the sizes of Figure 2 and its 119 (the paper: 120) million parameters, by pencil."""

import pytest
import torch

from striate.errors import ModelError
from striate.models.deepface import DeepFace, normalized
from striate.models.skeletons import skeleton


def meta(**options) -> DeepFace:
    with skeleton():
        return DeepFace(**options).eval()


def test_the_sizes_of_figure_2():
    outputs = meta().features(torch.empty(1, 3, 152, 152, device="meta"))
    assert {name: tuple(maps.shape[1:]) for name, maps in outputs.items()} == {
        "C1": (32, 142, 142),
        "M2": (32, 71, 71),
        "C3": (16, 63, 63),
        "L4": (16, 55, 55),
        "L5": (16, 25, 25),
        "L6": (16, 21, 21),
        "F7": (4096,),
    }


def test_120_million_parameters_most_of_them_local_or_full():
    own = {name: sum(p.numel() for p in layer.parameters()) for name, layer in
           meta().layers.items()}  # fmt: skip
    assert own == {
        "C1": 32 * (3 * 11 * 11 + 1),
        "M2": 0,
        "C3": 16 * (32 * 9 * 9 + 1),
        "L4": 55 * 55 * 16 * (16 * 9 * 9 + 1),
        "L5": 25 * 25 * 16 * (16 * 7 * 7 + 1),
        "L6": 21 * 21 * 16 * (16 * 5 * 5 + 1),
        "F7": 4096 * (16 * 21 * 21 + 1),
    }
    whole = sum(own.values()) + 4030 * (4096 + 1)
    assert sum(p.numel() for p in meta().parameters()) == whole
    assert f"{whole:.2g}" == "1.2e+08"  # 118.9 million: "120 million", to as many digits
    assert (own["L4"] + own["L5"] + own["L6"] + own["F7"] + 4030 * 4097) / whole > 0.95


def test_a_smaller_form_is_narrower_by_its_factor():
    outputs = meta(factor=4, classes=7).features(torch.empty(1, 3, 152, 152, device="meta"))
    assert outputs["L6"].shape[1:] == (4, 21, 21)
    assert outputs["F7"].shape[1] == 1024


def test_too_small_faces_are_refused():
    with pytest.raises(ModelError, match="faces of 60 pixels leave nothing for L6 to read"):
        meta(image_size=60)


def test_normalized_features_by_pencil():
    features = torch.tensor([[3.0, 2.0], [0.0, 4.0]])
    expected = torch.tensor([[1.0, 0.5], [0.0, 1.0]])  # of the largest values 3 and 4
    expected[0] /= 1.25**0.5
    torch.testing.assert_close(normalized(features, torch.tensor([3.0, 4.0])), expected)
