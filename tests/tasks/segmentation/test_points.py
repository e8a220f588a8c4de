"""Learning from points: what is seen of a mask, and the term for classes that are not there."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.data import VOID, Dataset, Files
from striate.errors import DataError
from striate.models import Normalization
from striate.tasks.contract import Ask
from striate.tasks.segmentation import points_spread
from striate.tasks.segmentation.common import component
from striate.tasks.segmentation.crf import CRFSegmenter
from striate.tasks.segmentation.pictures import scale
from striate.tasks.segmentation.points import (
    PointProblem,
    absent,
    dots,
    has_background,
    of_objects,
    pointed,
    present,
)
from striate.tasks.segmentation.points_file import Point, points_of
from striate.tasks.segmentation.points_spread import MOST, everywhere, objectness
from striate.tasks.segmentation.reading import Reading
from striate.training import Recipe

PLAIN = Reading(None, Normalization((127.5,) * 3, (127.5,) * 3))


def test_a_dot_for_each_class_and_nothing_else():
    mask = np.zeros((40, 40), np.uint8)
    mask[10:20, 10:20] = 3
    mask[0] = VOID
    found = dots(mask, np.random.default_rng(0))
    known = found != VOID
    assert set(found[known].tolist()) == {0, 3}
    assert (found[known] == mask[known]).all()
    assert known.sum() <= 2 * 13  # a disc of radius 2 has 13 pixels


def test_only_training_masks_lose_their_pixels(data):
    scaled = scale(data, PLAIN)
    points = pointed(scaled, 0)
    assert ((points.map(0) != VOID).sum()) < 30
    assert torch.equal(points.map(4), scaled.map(4))  # validation
    assert torch.equal(pointed(scaled, 0).map(0), points.map(0))
    assert not torch.equal(pointed(scaled, 1).map(0), points.map(0))


def test_what_is_not_there_is_found_nowhere():
    scores = torch.log(torch.tensor([[[[0.7, 0.2]], [[0.2, 0.7]], [[0.1, 0.1]]]]))
    present = torch.tensor([[True, False, False]])
    expected = (-np.log(1 - 0.7) - np.log(1 - 0.1)) / 2
    assert float(absent(scores, present)) == pytest.approx(expected, rel=1e-5)
    assert float(absent(scores, torch.tensor([[True, True, True]]))) == 0


def test_a_batch_has_the_losses_of_the_paper(data):
    problem = PointProblem(PLAIN, 32)
    scaled = pointed(problem.prepare(data), 0)
    recipe = Recipe(epochs=1, batch_size=2, learning_rate=0.1)
    batch = next(problem.batches(scaled, recipe, seed=0, start=0))
    assert batch.present.tolist() == [[True, True]] * 2
    losses = problem.losses(nn.Conv2d(3, 2, 1), batch, recipe)
    assert losses.keys() == {"cross_entropy", "absent", "present"}
    problem.objects = {row: torch.full((32, 32), MOST, dtype=torch.uint8) for row in range(4)}
    batch = next(problem.batches(scaled, recipe, seed=0, start=0))
    assert problem.losses(nn.Conv2d(3, 2, 1), batch, recipe).keys() == losses.keys() | {
        "objectness"
    }


def test_the_surest_pixel_of_what_is_there():
    scores = torch.log(torch.tensor([[[[0.7, 0.2]], [[0.2, 0.7]], [[0.1, 0.1]]]]))
    seen = torch.tensor([[[1, VOID]]])
    assert float(present(scores, seen)) == pytest.approx(-np.log(0.7), rel=1e-5)
    assert float(present(scores, torch.tensor([[[VOID, VOID]]]))) == 0


def test_objectness_by_pencil():
    scores = torch.log(torch.tensor([[[[0.4, 0.5]], [[0.5, 0.3]], [[0.1, 0.2]]]]))
    objects = torch.tensor([[[MOST, MOST // 2]]])
    expected = -np.log(0.6) - 0.5 * np.log(0.5) - 0.5 * np.log(0.5)
    assert float(of_objects(scores, objects)) == pytest.approx(expected / 2, rel=1e-5)
    assert float(of_objects(scores, torch.full((1, 1, 2), VOID))) == 0
    half = torch.tensor([[[MOST, VOID]]])
    assert float(of_objects(scores, half)) == pytest.approx(-np.log(0.6), rel=1e-5)


def test_the_direction_of_most_variance():
    random = torch.Generator().manual_seed(0)
    along = torch.tensor([0.6, 0.8, 0.0])
    some = torch.randn(50, 1, generator=random) * along + 0.01 * torch.randn(
        50, 3, generator=random
    )
    direction, mean, share = component([some.T.reshape(3, 5, 10) + 2])
    assert abs(float(direction @ along)) == pytest.approx(1, abs=1e-3)
    torch.testing.assert_close(mean, some.mean(0) + 2)
    assert share > 0.99


def test_two_classes_have_a_background():
    assert has_background(("sky", "tree"))
    assert has_background(("Background", "cat", "dog"))
    assert not has_background(("sky", "tree", "road"))


@pytest.fixture
def set_of_files(data, tmp_path):
    paths = [f"pictures/{row}.png" for row in range(len(data))]
    return Dataset("squares", Files(paths, tmp_path), data.targets, data.split), tmp_path


def test_points_of_a_file(data, set_of_files):
    some, folder = set_of_files
    assert points_of(some) == (None, "")
    (folder / "points.csv").write_text(
        "image,x,y,class\npictures/0.png,3.5,4,square\n0.png,31,31,ground\nelsewhere.png,1,1,square\n"
        "2,5,6,Ground\n"
    )
    found, note = points_of(some)
    assert found == {0: [Point(3.5, 4, 1), Point(31, 31, 0)], 2: [Point(5, 6, 0)]}
    assert "3 points of 2 pictures" in note
    assert "elsewhere.png" in note
    marked = pointed(scale(data, PLAIN), 0, found)
    assert marked.rows(0).tolist() == [0, 2]  # others have no point
    assert int(marked.map(0)[4, 3]) == 1
    assert int(marked.map(0)[31, 31]) == 0
    assert set(marked.map(2).unique().tolist()) == {0, VOID}
    assert marked.dataset.targets.present[[0, 2]].tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; expected"),
        ("image,x,y\n0.png,1,2\n", "no column class among image, x, y"),
        ("image,x,y,class\n0.png,1,2\n", "line 2: 3 cells"),
        ("image,x,y,class\n0.png,left,2,square\n", "line 2: x is 'left', not a number"),
        ("image,x,y,class\n0.png,1,2,squire\n", "line 2: 'squire' is none of the classes"),
        ("image,x,y,class\n0.png,32,2,square\n", r"\(32, 2\) lies outside of its picture of 32 x"),
        ("image,x,y,class\nother.png,1,2,square\n", "has no point in a training picture"),
        ("image,x,y,class\n0.png,1,2,square\n", "in a training picture is square; at least two"),
    ],
)
def test_what_is_wrong_with_a_file_of_points(data, set_of_files, text, words):
    some, folder = set_of_files
    (folder / "points.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        pointed(scale(data, PLAIN), 0, points_of(some)[0])


def test_points_tell_of_all_other_pixels(data, monkeypatch):
    monkeypatch.setattr(points_spread, "SIDE", 64)
    marked = pointed(scale(data, PLAIN), 0)
    found, note = objectness(marked, "resnet18", Ask(weights=None), PLAIN.normalization)
    assert list(found) == marked.rows(0).tolist()
    inside = torch.cat([found[row][data.targets.maps[row].pixels == 1] for row in found])
    outside = torch.cat([found[row][data.targets.maps[row].pixels == 0] for row in found])
    assert inside.float().mean() > 0.7 * MOST
    assert outside.float().mean() < 0.1 * MOST
    assert "hypercolumns at the points" in note


def test_points_stay_what_they_are():

    marks = torch.full((4, 4), VOID, dtype=torch.uint8)
    marks[1, 2] = 1
    model = nn.Conv2d(3, 2, 1)
    nn.init.zeros_(model.weight)
    found = CRFSegmenter(model, {}, PLAIN, 2)
    shares = everywhere(found, torch.zeros(4, 4, 3, dtype=torch.uint8), marks)
    assert shares[:, 1, 2].tolist() == [0, 1]
    assert 0 < float(shares[0, 0, 0]) < 1
