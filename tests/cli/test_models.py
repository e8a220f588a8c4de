"""striate models."""

import json

import pytest

from striate.models import NETWORKS


@pytest.fixture(autouse=True)
def _two(monkeypatch):
    """Counting them all takes seconds."""
    monkeypatch.setattr("striate.models.NETWORKS", {n: NETWORKS[n] for n in ("lenet5", "vgg16")})


def test_every_network_is_listed_with_its_published_numbers(striate):
    rows = {row["name"]: row for row in json.loads(striate("models", "--json").out)}
    assert list(rows) == ["lenet5", "vgg16"]
    assert rows["lenet5"]["parameters"] == 61_706
    assert rows["vgg16"] == {
        **rows["vgg16"],
        "year": 2014,
        "input": [3, 224, 224],
        "parameters": 138_357_544,
        "result": "ImageNet top-5 error 8.8 %",
    }


def test_the_second_time_it_is_read_and_not_counted(striate, monkeypatch):
    first = striate("models").out

    def fail(*arguments, **options):
        raise AssertionError

    monkeypatch.setattr("striate.models.counting.describe", fail)
    assert striate("models").out == first
    assert "138 M" in first


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
