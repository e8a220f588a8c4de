"""What methods say that they will take."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from striate.data import Array, Dataset, Labels, Tags, decode
from striate.handcrafted.fitting import Work
from striate.tasks.classification.methods import METHODS
from striate.tasks.contract import Ask
from striate.tasks.pictures import durations
from striate.tasks.tags.methods import METHODS as OF_TAGS


def prepared(name: str, ask: Ask, count: int = 40):
    pixels = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    split = np.resize(np.array([0, 0, 0, 1, 2], np.int8), count)
    dataset = Dataset("noise", Array(pixels), Labels(("a", "b"), np.arange(count) % 2), split)
    return decode(dataset, METHODS[name].views(dataset, ask))


@pytest.fixture
def each(monkeypatch):
    """A picture takes a hundredth of a second, whatever is computed; a multiply-add a billionth."""
    monkeypatch.setattr(durations, "seconds_each", lambda compute, pixels: 0.01)
    monkeypatch.setattr(durations, "seconds_of_product", lambda: 1e-9)
    monkeypatch.setattr(durations, "seconds_of_pass", lambda classes: 1e-9)


@pytest.mark.usefixtures("each")
def test_every_picture_is_counted_as_often_as_it_is_computed():
    ask = Ask(epochs=2)
    lasts = {name: METHODS[name].lasts for name in METHODS}
    given = {
        name: lasts[name](prepared(name, ask), ask, 3)
        for name in ("handcrafted", "transfer", "finetune")
    }
    work = Work.of(24, 8, width=21 * 256, mirror=False)  # gray: no mirror images
    machines = 1e-9 * (work.products + work.read)
    assert given["handcrafted"] == pytest.approx(3 * (0.01 * 40 + machines))
    assert given["transfer"] == pytest.approx(0.01 * 40)  # its features serve all seeds
    lower, upper = 0.6 * (2 * 24 + 8), 0.4 * 2 * (3 * 24 + 8)  # 24 to learn from, 8 to validate
    assert given["finetune"] == pytest.approx(3 * 0.01 * (lower + upper))


@pytest.mark.usefixtures("each")
def test_larger_pictures_take_longer(monkeypatch):
    ask = Ask(epochs=2)
    data = prepared("weldon", ask)
    (view,) = data.pixels
    same = METHODS["weldon"].lasts(data, ask, 1)  # small pictures are not enlarged
    usual = SimpleNamespace(view=lambda *_: replace(view, size=view.size // 2))
    monkeypatch.setattr(durations, "deep", usual)
    assert METHODS["weldon"].lasts(data, ask, 1) == pytest.approx(4 * same)


def test_steps_are_timed_and_counted():
    """LeNet-5 on a few digits learns in a moment; twice the epochs and seeds take four times."""
    ask = Ask(epochs=2)
    data = prepared("scratch", ask)
    lasts = METHODS["scratch"].lasts
    one = lasts(data, ask, 1)
    assert 0 < one < 10
    more = lasts(data, replace(ask, epochs=200), 2)
    assert more > 20 * one


@pytest.mark.usefixtures("each")
def test_tags_take_as_long_as_classes_of_the_same_pictures():
    for name in ("handcrafted", "transfer", "finetune"):
        ask = Ask(epochs=2)
        labeled = prepared(name, ask)
        tags = Tags(("a", "b"), np.eye(2, dtype=np.int8)[np.arange(40) % 2])
        tagged = replace(labeled.dataset, targets=tags)
        data = decode(tagged, OF_TAGS[name].views(tagged, ask))
        expected = METHODS[name].lasts(labeled, ask, 2)
        assert OF_TAGS[name].lasts(data, ask, 2) == pytest.approx(expected)
