"""striate models."""

import json

from striate.models import NETWORKS


def test_every_network_is_listed_with_its_published_numbers(striate):
    rows = {row["name"]: row for row in json.loads(striate("models", "--json").out)}
    assert list(rows) == list(NETWORKS)
    assert rows["lenet5"]["parameters"] == 61_706
    assert rows["vgg16"] == {
        **rows["vgg16"],
        "year": 2014,
        "input": [3, 224, 224],
        "parameters": 138_357_544,
        "result": "ImageNet top-5 error 8.8 %",
    }
    assert "138 M" in striate("models").out


def test_a_name_gives_every_layer(striate):
    out = striate("models", "lenet5").out
    assert "61,706" in out
    assert json.loads(striate("models", "lenet5", "--json").out)["parameters"] == 61_706


def test_a_picture_is_drawn(striate, tmp_path):
    done = striate("models", "lenet5", "--svg", tmp_path / "lenet5.svg")
    assert done.code == 0
    assert (tmp_path / "lenet5.svg").read_text().lstrip().startswith("<svg")


def test_mistakes(striate, tmp_path):
    assert "vgg16" in striate("models", "vgg61").err
    assert striate("models", "vgg61").code == 2
    assert striate("models", "--svg", "x.svg").code == 2
    (tmp_path / "file").write_text("")
    done = striate("models", "lenet5", "--svg", tmp_path / "file" / "lenet5.svg")
    assert done.code == 1
    assert done.one_line
