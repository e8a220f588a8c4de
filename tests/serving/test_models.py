"""Models on the shelf: exchanged in place while they are used, and the files that say nothing."""

import os
import threading
import time

import numpy as np
import pytest
import torch

from striate.errors import UserError, WeightsError
from striate.serving import Settings
from striate.serving.models import Shelf
from striate.serving.refusals import Refused


@pytest.fixture
def shelf(model):
    made = Shelf(Settings((str(model),)), lambda *_: None)
    yield made
    made.close()


def ask(served, value=0):
    """Probabilities of a plain picture."""
    future = served.batcher.promise()[0]
    pixels = np.full((40, 50, 3), value, np.uint8)
    served.batcher.ask(served.predictor.prepare(pixels), float("inf"), future)
    return future.result(20).probabilities


def threads():
    return sum(thread.name == "striate-infer" for thread in threading.enumerate())


def test_a_changed_file_takes_the_place_after_it_has_settled(shelf, model, network):
    with shelf.borrow("photos") as old:
        before = ask(old)
        network("bars", "dots", "waves", seed=7).save(model)
        shelf.look()
        with shelf.borrow("photos") as same:
            assert same is old  # somebody may still be writing it
        shelf.look()
        with shelf.borrow("photos") as new:
            assert new.version != old.version
            assert not np.allclose(ask(new), before)
        np.testing.assert_array_equal(ask(old), before)  # a call ends with what it began with
        assert threads() == 2
    assert threads() == 1


def test_a_broken_file_changes_nothing(shelf, model, caplog):
    with shelf.borrow("photos") as served:
        version = served.version
    model.write_bytes(b"half of a fi")
    for _ in range(3):
        shelf.look()
    with shelf.borrow("photos") as served:
        assert served.version == version
        assert ask(served).shape == (3,)
    assert caplog.text.count("the new file is not taken") == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(shelf, model, network, caplog, value, tmp_path):
    diverged = network("bars", "dots", "waves", seed=3)
    with torch.no_grad():
        next(diverged.predictor.model.parameters()).view(-1)[0] = value
    diverged.save(tmp_path / "diverged.safetensors")
    with pytest.raises(WeightsError, match=r"not all numbers of .* are finite"):
        Shelf(Settings((str(tmp_path / "diverged.safetensors"),)), lambda *_: None)
    with shelf.borrow("photos") as served:
        version = served.version
    diverged.save(model)
    for _ in range(3):
        shelf.look()
    with shelf.borrow("photos") as served:
        assert served.version == version
    assert caplog.text.count("the new file is not taken") == 1


def test_a_file_that_is_gone_changes_nothing(shelf, model):
    model.unlink()
    shelf.look()
    with shelf.borrow("photos") as served:
        assert ask(served).shape == (3,)


def test_new_names_are_seen(shelf, model):
    model.with_name("photos.names.de.txt").write_text("Balken\nPunkte\nWellen\n")
    shelf.look()
    shelf.look()
    with shelf.borrow("photos") as served:
        assert served.languages["de"]["waves"] == "Wellen"


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("photos.names.de.txt", "one\ntwo\n", "has 2 names for 3 classes"),
        ("photos.names.de.json", "[1]", "not an object"),
        ("photos.names.de.json", '{"bars": 3}', "not an object"),
        ("photos.names.de.json", "{", "not a file of names"),
    ],
)
def test_a_file_of_names_that_is_none(model, name, text, why):
    model.with_name(name).write_text(text)
    with pytest.raises(UserError, match=why):
        Shelf(Settings((str(model),)), lambda *_: None)
    assert threads() == 0


def test_two_models_of_one_name(model, tmp_path, network):
    (tmp_path / "other").mkdir()
    network("a", "b").save(tmp_path / "other" / "photos.safetensors")
    models = (str(model), str(tmp_path / "other" / "photos.safetensors"))
    with pytest.raises(UserError, match="two models are called 'photos'"):
        Shelf(Settings(models), lambda *_: None)
    assert threads() == 0


def test_what_is_no_model(tmp_path):
    (tmp_path / "a.safetensors").write_text("nothing")
    with pytest.raises(WeightsError):
        Shelf(Settings((str(tmp_path / "a.safetensors"),)), lambda *_: None)


def test_no_such_model(shelf):
    with pytest.raises(Refused) as refused, shelf.borrow("nothing"):
        pass
    assert refused.value.http == 404


def test_the_version_is_what_the_file_holds(shelf, model, network):
    with shelf.borrow("photos") as served:
        version = served.version
    os.utime(model, ns=(1, 1))  # copied again, say
    shelf.look()
    shelf.look()
    with shelf.borrow("photos") as served:
        assert served.version == version


def test_no_call_is_lost_while_models_are_exchanged(serving, model, network, jpeg):
    client = serving(poll=0.02)
    upload = {"files": {"file": ("a.jpg", jpeg())}}
    call = {"method": "POST", "url": "/v2/models/photos/upload", **upload}
    versions, until, seed = set(), time.monotonic() + 20, 0
    while len(versions) < 4 and time.monotonic() < until:
        seed += 1
        network("bars", "dots", "waves", seed=seed).save(model)
        for _ in range(5):
            for answer in client.together(*[call] * 8):
                assert answer.status_code == 200
                (output,) = answer.json()["outputs"]
                versions.add(output["model"]["model_version"]["id"])
                values = [each["value"] for each in output["data"]["concepts"]]
                assert sum(values) == pytest.approx(1)
    assert len(versions) >= 4


def test_an_exported_file_is_served_with_the_same_answers(serving, network, tmp_path, jpeg):
    pytest.importorskip("onnxruntime")
    from striate.exporting import export

    made = network("bars", "dots", "waves", fit="crop")
    made.save(tmp_path / "photos.safetensors")
    export(made, tmp_path / "exported.onnx", to="onnx")
    client = serving(tmp_path / "photos.safetensors", tmp_path / "exported.onnx")
    ours, theirs = (
        client.upload(jpeg(1, (300, 200)), jpeg(2), model=name).json()["outputs"]
        for name in ("photos", "exported")
    )
    for one, other in zip(ours, theirs, strict=True):
        for a, b in zip(one["data"]["concepts"], other["data"]["concepts"], strict=True):
            assert (a["id"], a["value"]) == (b["id"], pytest.approx(b["value"], abs=1e-3))
    listed = {each["name"]: each["explains"] for each in client.get("/v2/models").json()["models"]}
    assert listed == {"photos": True, "exported": False}
    upload = {"file": ("a.jpg", jpeg())}
    assert client.post("/v2/models/exported/explain", files=upload).status_code == 400
