"""Segmentation from labels of whole pictures: what is known, what is made of it, what is kept."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from striate import recognizer
from striate.data import Array, Dataset, Masks, Prepared
from striate.data.masks import Unmarked
from striate.errors import DataError
from striate.models.weldon_maps import WeldonMaps, weldon_maps
from striate.recognizer import Recognizer
from striate.tasks.contract import Ask, Learned
from striate.tasks.segmentation import weldon
from striate.tasks.segmentation.image_labels import ImageLabels, image_labels, labeled
from striate.tasks.segmentation.methods import METHODS, on_pictures
from striate.tasks.segmentation.pictures import Scaled
from striate.tasks.segmentation.task import Segmentation

TASK = Segmentation()


def in_folders(data, folders):
    """The same pictures, by other names."""
    names = [f"train/{folder}/{row}.png" for row, folder in enumerate(folders)]
    return replace(data, inputs=Array(data.inputs.array, names))


def test_labels_from_folders(data):
    found = image_labels(in_folders(data, ["cat", "dog"] * 6))
    assert found.names == ("cat", "dog")
    assert found.present[:2].tolist() == [[True, False], [False, True]]
    assert found.classes.tolist() == [1, 1]  # both are the class that is not the background
    assert found.single
    assert "folders of pictures alone" in found.note


def test_folders_that_are_no_classes(data):
    with pytest.raises(DataError, match=r"every training picture shows .*sort the pictures"):
        image_labels(in_folders(data, ["images"] * 12))


def test_labels_from_masks():
    maps = [np.full((4, 4), number, np.uint8) for number in (1, 2, 1, 2)]
    maps[0][0], maps[1][0], maps[2][0], maps[3][0] = 0, 0, 2, 0
    targets = Masks.of(("ground", "cat", "dog"), maps)
    some = Array(np.zeros((4, 4, 4, 3), np.uint8))
    found = image_labels(Dataset("pets", some, targets, np.array([0, 0, 1, 2], np.int8)))
    assert found.names == ("cat", "dog")
    assert found.present.tolist() == [[True, False], [False, True], [True, True], [False, True]]
    assert found.classes.tolist() == [1, 2]
    assert not found.single


def test_maps_are_learned_kept_and_refined(data, tmp_path, monkeypatch):
    monkeypatch.setattr(weldon, "SIDE", 64)
    some = in_folders(data, ["cat", "dog"] * 6)
    done = weldon.learn(some, Ask(network="resnet18", weights=None))
    assert 0 < done.validation["miou"] <= 1
    assert any("validation masks chose the background" in note for note in done.notes)
    made = Recognizer(TASK, done.predictor, some.classes, {})
    made.save(tmp_path / "labels.safetensors")
    again = recognizer.load(tmp_path / "labels.safetensors").predictor
    first, second = (
        one.predict([one.prepare(data.inputs[5])])[0].labels for one in (done.predictor, again)
    )
    assert np.array_equal(first, second)
    scaled = weldon.again(done, some)
    refined = weldon.made_masks(scaled, done.predictor, image_labels(some))
    train = np.flatnonzero(some.split == 0).tolist()
    for row in train:
        found = done.predictor.predict([done.predictor.prepare(data.inputs[row])])[0].labels
        assert np.array_equal(refined.targets.maps[row].read(), found)
    assert np.array_equal(refined.targets.maps[4].read(), data.targets.maps[4].read())


def test_classes_that_are_not_there_are_not_made(data):
    class Everything:
        def labels(self, one):
            return np.ones((one.height, one.width), np.uint8)

    pictures = tuple(torch.zeros(32, 32, 3, dtype=torch.uint8) for _ in range(len(data)))
    scaled = Scaled(data, pictures, pictures)
    nothing = ImageLabels(("a",), np.zeros((len(data), 1), bool), np.array([1]), "")
    made = weldon.made_masks(scaled, Everything(), nothing)
    assert not made.targets.maps[0].read().any()
    assert made.targets.areas[0].tolist() == [32 * 32, 0, 0]


def test_regions_learn_from_labels_alone():
    """A map in which one place tells the label."""
    model = weldon_maps(2, backbone="resnet18", last="stage4", labels=2, single=True, regions=1)
    assert isinstance(model, WeldonMaps)
    random = torch.Generator().manual_seed(0)
    maps, labels = [], []
    for number in range(40):
        one = 0.1 * torch.randn(512, 3, 3, generator=random).abs()
        one[number % 2, number % 3, 1] = 5.0
        maps.append(one)
        labels.append([number % 2 == 0, number % 2 == 1])
    present = torch.tensor(labels)
    weldon.regions_learned(model, maps, present, single=True, seed=0)
    assert weldon.labels_right(model, maps, present) == 1.0
    scores = model.weldon.get_submodule("regions.scores")
    found = scores(maps[0][None])[0, 0]
    assert found.argmax() == 1  # row 0, column 1


def without_masks(data, rows):
    """The same set, with no mask of these pictures."""
    targets = data.targets
    maps, areas = list(targets.maps), targets.areas.copy()
    for row in rows:
        maps[row], areas[row] = Unmarked(32, 32), 0
    return replace(data, targets=replace(targets, maps=tuple(maps), areas=areas))


def test_pictures_without_mask_teach_their_labels(data, monkeypatch):
    monkeypatch.setattr(weldon, "SIDE", 64)
    some = without_masks(in_folders(data, ["cat", "dog"] * 6), [0, 2, 3])
    seen = []
    learned = weldon.regions_learned

    def noted(model, maps, present, **options):
        seen.append(len(maps))
        learned(model, maps, present, **options)

    monkeypatch.setattr(weldon, "regions_learned", noted)
    done = METHODS["weldon"].learn(Prepared(some), Ask(network="resnet18", weights=None))
    assert seen == [8]
    assert "3 of 8 pictures have no mask" in done.notes[0]


def test_methods_of_masks_leave_out_pictures_without(data):
    seen = []

    def learn(dataset, ask):
        seen.append(dataset)
        return Learned(None, {}, {})

    method = on_pictures(learn)
    done = method(Prepared(without_masks(data, [0, 6])), Ask())
    assert (seen[0].split == 0).sum() == 6
    assert done.notes == ("2 training pictures without mask unused",)
    train = np.flatnonzero(data.split == 0)
    with pytest.raises(DataError, match="no training picture has a mask; take a method"):
        method(Prepared(without_masks(data, train)), Ask())
    bare = without_masks(data, train)
    known = image_labels(in_folders(bare, ["cat", "dog"] * 6))
    assert np.array_equal(labeled(bare, known).split, bare.split)
    nothing = ImageLabels(("a",), np.zeros((len(data), 1), bool), np.array([1]), "")
    assert not (labeled(bare, nothing).split == 0).any()
