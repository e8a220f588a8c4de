"""Weight files: what fits, what is refused and in which words."""

import io
import pickle
import sys
import zipfile

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from striate.errors import WeightsError
from striate.models import classifier, create, cut, load_weights, normalization_of
from striate.models import published as files
from striate.models import weights as module


@pytest.fixture
def file(tmp_path):
    """A LeNet-5 for 10 classes, saved."""
    model = create("lenet5")
    torch.save(model.state_dict(), tmp_path / "lenet5.pth")
    return model, tmp_path / "lenet5.pth"


def same(first, second):
    ours, theirs = first.state_dict(), second.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_a_networks_own_state_comes_back(file, tmp_path):
    model, path = file
    assert same(create("lenet5", weights=path), model)
    save_file(model.state_dict(), tmp_path / "lenet5.safetensors")
    assert same(create("lenet5", weights=str(tmp_path / "lenet5.safetensors")), model)


def test_other_classes_get_a_fresh_head_and_keep_the_rest(file):
    model, path = file
    fresh = create("lenet5", classes=3, weights=path)
    assert classifier(fresh)[1].out_features == 3
    assert torch.equal(fresh.c5[0].weight, model.c5[0].weight)


def test_a_parallel_checkpoint_is_unwrapped(file, tmp_path):
    model, _ = file
    state = {f"module.{key}": value for key, value in model.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "checkpoint.pt")
    assert same(create("lenet5", weights=tmp_path / "checkpoint.pt"), model)


def test_any_module_takes_its_own_state(tmp_path):
    first, second = nn.Sequential(nn.Linear(3, 2)), nn.Sequential(nn.Linear(3, 2))
    torch.save(first.state_dict(), tmp_path / "w.pth")
    assert same(load_weights(second, tmp_path / "w.pth"), first)


def test_a_cut_network_takes_a_file_without_a_head(shared):
    path = shared("weights/vgg16_imagenet/vgg16_features_keras_imagenet_bgr.pth")
    with torch.device("meta"):
        model = cut(create("vgg16"), "pool5")
    model = model.to_empty(device="cpu")
    load_weights(model, path)
    stored = torch.load(path, weights_only=True)
    assert torch.equal(model.conv1_1[0].weight, stored["features.0.weight"])
    assert torch.equal(model.conv5_3[0].bias, stored["features.28.bias"])


def test_vgg16_in_kerass_order_loads_without_its_full_connections(shared, caplog):
    path = shared("weights/vgg16_imagenet/vgg16_features_keras_imagenet_bgr.pth")
    assert normalization_of(path) == files.KERAS
    model = create("vgg16", weights=path, classes=3, image_size=32)
    assert "has no full connections: fc6.0, fc7.0, fc8 start fresh" in caplog.text
    stored = torch.load(path, weights_only=True)
    assert torch.equal(model.conv3_2[0].weight, stored["features.12.weight"])
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 3)


def test_a_file_says_how_many_classes_there_are(tmp_path):
    torch.save(create("lenet5", classes=4).state_dict(), tmp_path / "four.pth")
    assert classifier(create("lenet5", weights=tmp_path / "four.pth"))[1].out_features == 4
    again = create("lenet5", classes=4, weights=tmp_path / "four.pth")
    assert torch.equal(again.output.weight, torch.load(tmp_path / "four.pth")["output.weight"])


def test_some_full_connections_missing_is_refused(file, tmp_path):
    state = file[0].state_dict()
    torch.save({k: v for k, v in state.items() if "f6" not in k}, tmp_path / "part.pth")
    with pytest.raises(WeightsError, match=r"missing f6.0.weight, f6.0.bias; unexpected nothing"):
        create("lenet5", weights=tmp_path / "part.pth")


def test_the_wrong_network_is_refused_with_its_keys(file):
    _, path = file
    with pytest.raises(WeightsError) as caught:
        create("resnet20", weights=path)
    message = str(caught.value)
    assert "\n" not in message
    assert "lenet5.pth does not fit resnet20: missing stem.0.weight, stem.1.weight" in message
    assert "and 94 more; unexpected c1.0.weight, c1.0.bias, c3.0.weight and 7 more" in message


def test_the_wrong_number_of_classes_says_what_to_do(file):
    _, path = file
    with pytest.raises(WeightsError, match="tells 10 classes apart and the network 7; build it"):
        load_weights(create("lenet5", classes=7), path)


def test_the_wrong_number_of_channels_names_the_tensor(file):
    _, path = file
    with pytest.raises(
        WeightsError, match=r"c1.0.weight is \(6, 1, 5, 5\) in the file and \(6, 3,"
    ):
        create("lenet5", channels=3, weights=path)


class Evil:
    def __reduce__(self):
        return (sys.exit, (7,))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a file",
        b"eleven words\n",
        b"\x80\x04" + b"x" * 50,
        pickle.dumps(Evil()),
        b"PK\x03\x04junk",
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_is_no_weight_file_is_refused_and_never_run(tmp_path, content, suffix):
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=f"bad{suffix} is not a weight file") as caught:
        create("lenet5", weights=path)
    assert "\n" not in str(caught.value)
    assert not str(caught.value).rpartition(": ")[2].isdigit()


def test_a_saved_object_is_refused_and_never_run(tmp_path):
    torch.save({"weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="not a weight file"):
        create("lenet5", weights=tmp_path / "evil.pth")


@pytest.mark.parametrize("content", [3, [1, 2], {"a": 1}, {1: torch.ones(2)}])
def test_what_holds_no_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(WeightsError, match="holds no state dict"):
        create("lenet5", weights=tmp_path / "odd.pth")


def test_size_is_checked_before_opening(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", b"\0" * 100_000)
    assert len(packed.getvalue()) < 1000
    (tmp_path / "bomb.pth").write_bytes(packed.getvalue())
    with pytest.raises(WeightsError, match="are not opened"):
        create("lenet5", weights=tmp_path / "bomb.pth")
