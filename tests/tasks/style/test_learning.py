"""From a folder of photographs and a painting to a painter: learned, gone on with, scored."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.tasks.style.conftest import TASK, looking, picture
from typer.testing import CliRunner

from striate.cli import app
from striate.comparing import Wishes, compare, evaluating, learn
from striate.errors import DataError, ImageError, UserError, WeightsError
from striate.files import by_content
from striate.models import create
from striate.models.skeletons import skeleton
from striate.style.pictures import tensor_of
from striate.tasks import opening
from striate.tasks.style import learning
from striate.tasks.style.answers import Judged
from striate.tasks.style.judging import Judge, Judging, judge_again, layers_of
from striate.tasks.style.reinhard import ColorStatistics
from striate.tasks.style.scores import StyleScores

SETTINGS = ("epochs=2", "batch_size=4", "learning_rate=0.02", "width=4", "blocks=1", "style=4")


@pytest.fixture(scope="module")
def data(photos):
    return opening.open(photos, task="style")


@pytest.fixture(scope="module")
def options(painting):
    return {"painting": painting}


@pytest.fixture(scope="module")
def compared(data, options, tmp_path_factory):
    return compare(
        data, task="style", weights=None, options=options, settings=SETTINGS,
        folder=tmp_path_factory.mktemp("compared"),
    )  # fmt: skip


def test_methods_are_compared_on_the_same_squares(compared, tmp_path):
    colors, network = (row.chosen for row in compared.rows)
    assert (colors.name, network.name) == ("colors", "feedforward")
    assert colors.scores.rows == network.scores.rows
    plain = [[one.plain for one in each.scores.judged] for each in (colors, network)]
    assert plain[0] == plain[1]
    assert 0 < colors.scores.value < 1  # colors of a painting are some of its style
    assert "L-BFGS with 3 iterations" in network.learned.notes[0]
    assert network.learned.history[-1]["epoch"] == 2
    assert [one.name for one in colors.data.dataset.left_out] == ["a/broken.png"]
    page = compared.report(tmp_path / "report.html").read_text()
    assert page.count("% of the loss removed</figcaption>") == 2 * min(5, colors.scores.examples)
    assert page.count("width:13rem") == 1 + 3 * min(5, colors.scores.examples) + 2 + 3


def test_what_was_learned_is_evaluated_as_it_was(compared, data):
    rows = {row.name: row.chosen for row in compared.rows}
    found = evaluating.evaluate({name: one.recognizer for name, one in rows.items()}, data)
    for name, one in rows.items():
        assert found.scores[name].value == pytest.approx(one.scores.value, abs=1e-6)
        assert found.scores[name].to_json()["metrics"].keys() == one.scores.metrics.keys()


def test_a_stopped_run_goes_on(compared, options, tmp_path):
    (whole,) = (row.chosen for row in compared.rows if row.name == "feedforward")
    plan = Wishes(weights=None, settings=SETTINGS, own=options).plan(TASK, "feedforward", 0)
    ask = replace(plan.ask, folder=tmp_path)
    learning.feedforward(whole.data, replace(ask, seconds=0.0))
    again = learning.feedforward(whole.data, replace(ask, resume=True))
    for name, tensor in whole.recognizer.predictor.tensors().items():
        assert torch.equal(tensor, again.predictor.tensors()[name])


def test_what_lacks_is_said_before_any_work(photos, painting, tmp_path):
    def refused(error, reason, **options):
        with pytest.raises(error, match=reason):
            Wishes(weights=None, own=options).plan(TASK, "feedforward", 0)

    def unset(setting, reason):
        with pytest.raises(UserError, match=reason):
            Wishes(settings=(setting,), own={"painting": painting}).plan(TASK, "feedforward", 0)

    unset("style=0", "style is above 0")
    unset("width=0", "width is from 1 to 512")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    refused(UserError, "--painting FILE")
    refused(ImageError, "broken.jpg: not an image", painting=tmp_path / "broken.jpg")
    picture(0).resize((8, 8)).save(tmp_path / "tiny.png")
    refused(UserError, "a painting of 8 x 8 pixels", painting=tmp_path / "tiny.png")
    refused(ImageError, "none.jpg", painting=tmp_path / "none.jpg")
    refused(UserError, "--gallery: style has no such option", gallery=tmp_path)
    for number in range(2):
        place = tmp_path / str(number)
        place.mkdir()
        for seed in range(number + 1):
            picture(seed).save(place / f"{seed}.png")
        with pytest.raises(DataError, match="expected a folder with 3 pictures at least"):
            learn(place, task="style", weights=None, options={"painting": painting})


@pytest.mark.parametrize("command", ["train", "compare"])
def test_the_painting_is_named_in_the_command(command, photos, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    given = ["--painting", str(tmp_path / "broken.jpg"), "--out", str(tmp_path / "run")]
    found = CliRunner().invoke(app, [command, str(photos), "--task", "style", *given])
    assert "broken.jpg: not an image" in str(found.exception)


def test_the_layers_are_those_of_the_paper():
    with skeleton():
        assert layers_of(create("vgg16")) == (
            ("conv3_3",), ("conv1_2", "conv2_2", "conv3_3", "conv4_3"),
        )  # fmt: skip
        assert layers_of(create("vgg11"))[1] == ("conv1_1", "conv2_1", "conv3_2", "conv4_2")


def test_scores_by_pencil():
    judged = (Judged(1.0, 2.0, 6.0), Judged(0.5, 7.0, 7.0), Judged(0.0, 0.0, 3.0))
    assert [one.removed for one in judged] == [0.5, 0.0, 1.0]
    scores = StyleScores(3, 0.0, (), (0, 1, 2), judged)
    assert scores.value == scores.metrics["removed"] == pytest.approx(0.5)
    assert scores.metrics["style_left"] == pytest.approx((1 / 3 + 1 + 0) / 3)
    assert scores.resampled(np.array([[0, 0, 0], [2, 0, 1]])).tolist() == [0.5, 0.5]


def test_the_painting_itself_leaves_no_style_and_a_photograph_all_of_it(painting):
    pixels = np.asarray(Image.open(painting))
    judge = Judge(Judging("vgg16", None, 5.0, 1.0), pixels, None)
    photo = np.asarray(picture(3))
    same = judge(photo, photo)
    assert (same.content, same.style, same.removed) == (0, same.plain, 0)
    own = judge(pixels, pixels)
    assert own.style == pytest.approx(0, abs=1e-9)


def test_a_judge_of_other_weights_is_refused(tmp_path):
    file = tmp_path / "weights.pth"
    file.write_bytes(b"weights")
    judged = Judging("vgg16", by_content(file), 5.0, 1.0)
    with pytest.raises(WeightsError, match="--weights FILE"):
        judge_again(judged, np.zeros((9, 9, 3), np.uint8), None)
    other = tmp_path / "others.pth"
    other.write_bytes(b"others")
    with pytest.raises(WeightsError, match="other weights than it was judged by"):
        judge_again(judged, np.zeros((9, 9, 3), np.uint8), other)
    assert Judging.from_json(judged.to_json()) == judged


def test_colors_have_the_statistics_of_the_painting():
    """Reinhard et al. 2001: of the axes of their space, mean and deviation."""
    colors = ColorStatistics()
    painting, photo = (tensor_of(np.asarray(picture(seed))) * 0.5 + 60 for seed in (1, 2))
    colors.fit(painting)
    torch.testing.assert_close(colors(painting), painting, rtol=0, atol=0.01)
    found, wanted = colors.split(colors(photo)), colors.split(painting)
    torch.testing.assert_close(found.mean((2, 3)), wanted.mean((2, 3)), rtol=0, atol=1e-4)
    torch.testing.assert_close(found.std((2, 3)), wanted.std((2, 3)), rtol=0, atol=1e-4)


def test_the_small_network_stands_for_a_vgg():
    assert layers_of(looking("vgg16"))[0] == ("conv3_1",)
