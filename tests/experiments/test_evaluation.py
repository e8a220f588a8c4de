"""Windows, networks and classes of classes: counts and verdicts by pencil, and a short run."""

import numpy as np
import pytest
import torch
from tests.experiments.pictures import spots

from striate.experiments import evaluation
from striate.models import published, slide
from striate.tasks.classification.windows import Windows, cut


@pytest.mark.parametrize(("crops", "scales"), [(10, (32,)), (50, (32,)), (144, (32, 36, 40, 44))])
def test_windows_are_those_of_the_papers_in_proportion(crops, scales):
    which = Windows(crops)
    assert which.sides(evaluation.SIZE) == scales
    picture = np.zeros((40, 40, 3), np.uint8)
    each = [len(list(cut(picture, 28, crops))) for _ in scales]
    assert 2 * sum(each) == crops  # and their mirror images


def test_a_network_slides_by_four_pixels_and_by_two_with_offsets():
    model = evaluation.network().eval()
    model.image_size = 28
    picture = torch.zeros(1, 3, 36, 36)
    assert slide(model)(picture).shape[2:] == (3, 3)
    assert slide(model, offsets=True)(picture).shape[2:] == (5, 5)


def test_verdicts():
    right, wrong = np.array([[0.9, 0.1]]), np.array([[0.1, 0.9]])
    targets = np.zeros(100, np.int64)
    found = {"10 crops": np.repeat(right, 100, 0), evaluation.SINGLE: np.repeat(right, 100, 0)}

    def verdict() -> list[str]:
        rows = evaluation.compared("x", found, targets, evaluation.SAID, top=1)
        return [row.verdict for row in rows]

    assert verdict() == ["not reachable here"]
    found[evaluation.SINGLE][:10] = wrong
    assert verdict() == ["same"]
    found["10 crops"][:40] = wrong
    assert verdict() == ["different"]


@pytest.fixture
def material(tmp_path, monkeypatch):
    """A tree of three classes in the form of WordNet's nouns."""
    (tmp_path / "wordnet").mkdir()
    (tmp_path / "imagenet_sample").mkdir()
    lines = [
        "id\tparents", "entity\t", f"{evaluation.ANIMAL}\tentity",
        f"{evaluation.DOG}\t{evaluation.ANIMAL}", f"beagle\tpet,{evaluation.DOG}",
        "pet\tentity", f"tench\t{evaluation.ANIMAL}", "kite\tentity",
    ]  # fmt: skip
    (tmp_path / "wordnet" / "nouns.tsv").write_text("\n".join(lines))
    (tmp_path / "imagenet_sample" / "wnids.txt").write_text("beagle tench kite")
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))


def test_the_tree(material):
    tree = evaluation.wordnet_tree(["beagle", "tench", "kite"])
    assert tree.path("beagle") == ("entity", "pet", "beagle")
    assert [row.ours for row in evaluation.tree_rows()] == ["1", "2"]


def test_it_runs(material, monkeypatch):
    monkeypatch.setattr(evaluation, "opened", lambda name: spots(30, size=32, color=True))
    monkeypatch.setattr(evaluation, "RECIPE", evaluation.RECIPE.but(epochs=1))
    monkeypatch.setattr(published, "here", lambda source: None)
    found = evaluation.run(quick=True, seed=0)
    assert len(found.rows) == 6 + 1 + 2
    assert [len(panel.lines) for panel in found.panels] == [9]
