"""A file gives back what went into it; engines and devices are chosen when it is opened."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import (
    ModelError,
    UnknownName,
    UserError,
    WeightsError,
)
from striate.recognizer import Recognizer, load, load_trained, named


def test_round_trip(ours: Recognizer, saved: Path, tmp_path: Path) -> None:
    theirs = load(saved)
    assert (theirs.names, theirs.classes) == (ours.names, ours.names)
    assert theirs.provenance == ours.provenance
    assert theirs.task.name == "weighing"
    some = [np.float64(k) for k in range(9)]
    assert theirs(some) == ours(some)
    theirs.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_provenance_is_added_to_a_copy(ours: Recognizer) -> None:
    more = ours.with_provenance(test={"value": 1.0})
    assert more.provenance == {"method": "none", "seed": 3, "test": {"value": 1.0}}
    assert "test" not in ours.provenance


def test_saving_replaces_whole_files_only(ours: Recognizer, saved: Path) -> None:
    before = saved.read_bytes()
    with pytest.raises(TypeError):
        ours.with_provenance(odd=object()).save(saved)
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["it.safetensors"]


def test_engines_and_devices(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    for given, device in ((None, "cuda"), ("cpu", "cpu"), ("cuda:0", "cuda:0")):
        options = {} if given is None else {"device": given}
        assert load(saved, **options).predictor.device == device
    assert load(saved, engine="compiled", device="cuda").predictor.device == "cuda"
    assert load(saved, engine="onnxruntime").predictor.device == "cpu"
    assert load_trained(saved).predictor.device == "cpu"
    with pytest.raises(
        UserError, match="--device cuda: the engine onnxruntime computes on the CPU"
    ):
        load(saved, engine="onnxruntime", device="cuda")
    with pytest.raises(UserError, match="--device cuda:7: torch finds 1 CUDA device"):
        load(saved, device="cuda:7")
    with pytest.raises(ModelError, match="computed by torch alone; leave out --engine openvino"):
        load(saved, engine="openvino")


def test_published_weights_by_name(ours: Recognizer, saved: Path) -> None:
    assert named("kilo")([np.float64(3)])[0].values == {"kilogram": 3.0}
    assert named(str(saved)).names == ours.names
    with pytest.raises(
        UnknownName, match="published weights, is called 'kilos'; did you mean kilo"
    ):
        named("kilos")
    with pytest.raises(WeightsError, match=r"there is no file absent\.safetensors"):
        named("absent.safetensors")


def test_a_network_of_the_users_own(ours: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    own = ours.task.predictors["own"](torch.ones(3))
    Recognizer(ours.task, own, ours.names).save(path)
    with pytest.raises(WeightsError, match="give model="):
        load(path)
    assert load(path, model=nn.Linear(1, 1))([np.float64(2)])[0].values["pound"] == 2.0
    ours.save(path)
    with pytest.raises(
        WeightsError, match="its weigher is built by striate; load it without model"
    ):
        load(path, model=nn.Linear(1, 1))


def test_an_export_has_an_engine_of_its_own(tmp_path: Path) -> None:
    for suffix in (".onnx", ".xml"):
        path = tmp_path / f"it{suffix}"
        with pytest.raises(UserError, match=rf"--engine openvino: .*it{suffix} is an export"):
            load(path, engine="openvino")
        with pytest.raises(UserError, match=r"--device cuda: .* is an export"):
            load(path, device="cuda")
        with pytest.raises(WeightsError, match=r"is an export; give the \.safetensors file"):
            load_trained(path)
