"""R-CNN whole: learned from a folder, stopped and gone on with, kept in a file, refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.data.boxes import BoxedDataset
from striate.errors import DataError
from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection import rcnn
from striate.tasks.detection.asking import Ask
from striate.tasks.detection.measuring import measured
from striate.tasks.detection.rcnn import RCNNFinder
from striate.tasks.detection.rcnn_features import READ, Looking, Reader, warped
from striate.tasks.detection.rcnn_looking import look
from striate.tasks.detection.rcnn_machines import Machines
from striate.tasks.detection.rcnn_tuning import Tuning

SMALL = Looking(side=32, regions=60, strategies=Strategies(side=90, scales=(20,)))


@pytest.fixture
def few(shapes: BoxedDataset) -> BoxedDataset:
    """Three training and two validation images, one of each without anything."""
    rows = [np.flatnonzero(shapes.split == split)[:n] for split, n in ((0, 3), (1, 2))]
    return shapes.take(np.concatenate(rows).tolist())


@pytest.fixture
def finder() -> RCNNFinder:
    """One that has learned nothing."""
    torch.manual_seed(0)
    reader = Reader.of("efficientnet_lite0", None, SMALL)
    width = reader.eye.width
    machines = Machines.empty(torch.zeros(width), torch.ones(width), 2)
    machines.svm.normal_()
    machines.known[:] = True
    return RCNNFinder(reader, machines, 0.4)


def pixels_themselves(reader: Reader, pixels: np.ndarray, boxes: Tensor) -> Tensor:
    """(K, 192): each crop, 8 x 8."""
    parts = [torch.from_numpy(c) for c in warped(pixels, boxes.tolist(), SMALL, (127.0,) * 3)]
    return F.avg_pool2d(torch.cat(parts).permute(0, 3, 1, 2).float(), 4).flatten(1)


def test_it_learns_from_a_folder(shapes: BoxedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "features", pixels_themselves)
    learned = rcnn.learn(shapes, Ask(weights=None), looking=SMALL, tuning=None)
    test = measured(learned.finder, shapes, np.flatnonzero(shapes.split == 2).tolist())
    assert test.map50 > 0.8
    assert learned.validation is not None
    assert {"map50", "ap50 disc", "ap50 square"} == set(learned.validation)
    assert list(learned.seconds) == ["search", "look", "solve", "validate"]
    assert learned.recipe["tuning"] is None
    assert json.loads(json.dumps(learned.recipe))["looking"]["side"] == 32
    notes = "\n".join(learned.notes)
    assert "selective search took" in notes
    assert "by 0.5" in notes


def test_a_stopped_run_goes_on_and_a_finished_one_is_read(
    few: BoxedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, folder = [], tmp_path / "run"
    monkeypatch.setitem(READ, "efficientnet_lite0", (("stage2", 24, 2),))  # quick

    def stopped(*args: object, **settings: object) -> object:
        if looks:
            raise KeyboardInterrupt
        looks.append(1)
        return look(*args, **settings)  # type: ignore[arg-type]

    ask = Ask(weights=None, folder=folder, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr(rcnn, "look", stopped)
        with pytest.raises(KeyboardInterrupt):
            rcnn.learn(few, ask, looking=SMALL)
    assert len(list((folder / "regions").iterdir())) == 5
    assert (folder / "tuning" / "best.safetensors").is_file()
    assert len(list((folder / "features").iterdir())) == 3
    ask = replace(ask, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(Reader, "regions", None)  # nothing is searched any more, nor learned
        patch.setattr(Tuning, "losses", None)
        second = rcnn.learn(few, ask, looking=SMALL)
    assert [path.name for path in folder.iterdir()] == ["learned.safetensors"]
    assert len(second.history) == 1
    with monkeypatch.context() as patch:
        patch.setattr(rcnn, "look", None)  # nothing is looked at any more
        third = rcnn.learn(few, ask, looking=SMALL)
        with pytest.raises(TypeError):  # of another way of looking it is
            rcnn.learn(few, ask, looking=replace(SMALL, side=40))
    assert repr(third.validation) == repr(second.validation)
    assert third.history == second.history
    assert third.notes == second.notes
    for name, value in second.finder.tensors().items():
        torch.testing.assert_close(third.finder.tensors()[name], value)


def test_the_file_says_the_same(shapes: BoxedDataset, finder: RCNNFinder) -> None:
    header = json.loads(json.dumps(finder.header()))
    again = RCNNFinder.restored(finder.tensors(), header, 2)
    assert finder.kind == again.kind == "rcnn"
    assert again.parameters == finder.parameters > 100_000
    pixels = shapes.images[int(np.flatnonzero(shapes.split == 0)[1])]
    one, other = finder.find(pixels), again.find(pixels)
    assert len(one.boxes)
    assert torch.equal(one.boxes, other.boxes)
    assert torch.equal(one.scores, other.scores)
    assert torch.equal(one.classes, other.classes)
    assert (one.scores[:-1] >= one.scores[1:]).all()


def test_difficult_and_crowd_alone_are_nothing_to_learn(shapes: BoxedDataset) -> None:
    hard = tuple(replace(one, difficult=np.ones(len(one), bool)) for one in shapes.objects)
    with pytest.raises(DataError, match="nothing is marked"):
        rcnn.learn(replace(shapes, objects=hard), Ask(weights=None), looking=SMALL)


def tensor(name: str, change: Callable[[Tensor], Tensor]) -> Callable[[dict, dict], None]:
    def apply(tensors: dict, header: dict) -> None:
        tensors[name] = change(tensors[name])

    return apply


def told(**values: object) -> Callable[[dict, dict], None]:
    return lambda tensors, header: header.update(values)


HOSTILE: dict[str, Callable[[dict, dict], None]] = {
    "backbone": told(backbone="os.system"),
    "other backbone": told(backbone="vgg16"),
    "doubles": told(doubles=7),
    "doubles as text": told(doubles="0.3"),
    "pixels": told(normalization={"mean": [1.0], "std": [1.0], "bgr": False}),
    "pixels by nothing": told(normalization={"mean": [1.0] * 3, "std": [0.0] * 3, "bgr": False}),
    "pixels by no number": told(
        normalization={"mean": [float("nan")] * 3, "std": [1.0] * 3, "bgr": False}
    ),
    "looking": told(looking={"side": 10**9}),
    "nothing": lambda tensors, header: header.clear(),
    "more": lambda tensors, header: tensors.update(other=torch.zeros(1)),
    "less": lambda tensors, header: tensors.pop("machines.svm"),
    "narrow": tensor("machines.svm", lambda value: value[:, :-1]),
    "classes": tensor("machines.moves", lambda value: value.repeat(2, 1, 1)),
    "double": tensor("machines.mean", lambda value: value.double()),
    "not finite": tensor("machines.svm", lambda value: value / 0),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_damaged_files_are_refused(name: str, finder: RCNNFinder) -> None:
    tensors, header = (
        dict(finder.tensors()),
        json.loads(json.dumps(finder.header())),
    )
    HOSTILE[name](tensors, header)
    with pytest.raises((ValueError, LookupError, TypeError)):
        RCNNFinder.restored(tensors, header, 2)
