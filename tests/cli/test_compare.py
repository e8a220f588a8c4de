"""striate compare: the main job, on pictures that anyone tells apart."""

import html
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

import striate as library
from striate.cli.compare import _announce
from striate.cli.options import command_line, see_writable
from striate.comparing import Expected
from striate.errors import StorageError
from striate.tasks.table import TASKS

QUICK = ("--methods", "handcrafted,scratch", "--seeds", "1", "--time-limit", "2")


@pytest.fixture
def photos(pictures):
    folder = pictures({"bars": 12, "<script>": 12})
    (folder / "bars" / "broken.jpg").write_text("no picture")
    return folder


def test_json_is_what_was_promised(striate, photos):
    done = striate("compare", photos, *QUICK, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert list(result) == ["task", "data", "methods", "score", "best", "advice", "report"]
    assert (result["task"], result["score"]) == ("classification", "top1")
    assert [row["method"] for row in result["methods"]] == ["handcrafted", "scratch"]
    for row in result["methods"]:
        assert {
            "method", "approach", "network", "score", "interval", "metrics", "seconds",
            "seconds_per_example", "seeds", "parameters", "recognizer", "notes",
        } <= set(row)  # fmt: skip
        assert 0 <= row["interval"][0] <= row["score"] <= row["interval"][1] <= 1
        assert row["seeds"] == 1
        assert set(library.load(row["recognizer"]).names) == {"bars", "<script>"}
    assert result["best"] in ("handcrafted", "scratch")
    assert [each["name"] for each in result["data"]["left_out"]] == ["bars/broken.jpg"]
    page = Path(result["report"]).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "handcrafted, seed 0: top-1 " in done.err


def test_for_people_a_table_advice_and_where_everything_is(striate, photos):
    done = striate(
        "compare", photos, "--methods", "handcrafted", "--seeds", 1, "--out", "results",
        "--report", "page.html", "--device", "cpu",
    )  # fmt: skip
    assert done.code == 0, done.err
    for words in (
        "24 examples of 2 classes: ",
        "handcrafted ",
        "Hand-crafting is the only method here",
        "left out: 1",
        "bars/broken.jpg: not an image (a text file?)",
        "results/handcrafted.safetensors  <- take this",
        "page.html",
    ):
        assert words in done.out
    assert Path("page.html").is_file()


def test_values_of_the_recipe_are_changed_and_the_report_shows_them(striate, photos):
    settings = ("--set", "clip=0.125", "--set", "batch_size=7")
    done = striate("compare", photos, *QUICK, *settings, "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    recipe = library.load(result["methods"][1]["recognizer"]).provenance["recipe"]
    assert (recipe["clip"], recipe["batch_size"]) == (0.125, 7)
    page = html.unescape(Path(result["report"]).read_text())
    for words in ('"clip": 0.125', '"batch_size": 7', '"batch_size=7"'):
        assert words in page


def test_what_it_takes_is_said_before_it_begins(striate, photos, monkeypatch):
    asked = (
        "compare",
        photos,
        "--methods",
        "handcrafted,scratch",
        "--seeds",
        1,
        "--set",
        "epochs=1",
    )
    assert "learning takes" not in striate(*asked, "--out", "quick").err  # nobody waits for it
    module = sys.modules["striate.cli.compare"]  # the package has a function of that name
    monkeypatch.setattr(module, "WORTH_SAYING", 0.0)
    first, *others = striate(*asked, "--out", "slow").err.splitlines()
    each = r"\(Hand-crafting [\d.]+ s, Training from scratch [\d.]+ s\)"
    assert re.fullmatch(
        rf"learning takes about [\d.]+ s here, beside solving classifiers {each}; "
        "--time-limit bounds what learns by steps",
        first,
    )
    assert others[0].startswith("handcrafted, seed 0")
    again = striate(*asked, "--out", "slow")
    assert "learning takes" not in again.err  # all of it is learned


def test_what_nobody_knows_beforehand_is_said_to_be_so(capsys):
    _announce((Expected("DPM", None, False), Expected("YOLO", 90.0, True)))
    assert capsys.readouterr().err == (
        "learning takes about 1 min 30 s here, beside solving classifiers (YOLO 1 min 30 s); "
        "how long these take is not known beforehand: DPM\n"
    )


def test_who_stops_keeps_what_is_done_and_is_told_how_to_go_on(striate, photos, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    task = TASKS["classification"]
    usual, broken = task.methods, dict(task.methods)
    broken["scratch"] = replace(broken["scratch"], learn=stop)
    with monkeypatch.context() as patch:
        patch.setattr(type(task), "methods", MappingProxyType(broken))
        done = striate("compare", photos, *QUICK, "--keep-leaks")
    assert done.code == 130
    *_, again, last = done.err.splitlines()
    assert last == "striate: stopped"
    assert again == (
        f"saved; to go on: striate compare {photos} --methods handcrafted,scratch "
        "--time-limit 2.0 --seeds 1 --out striate-photos --keep-leaks"
    )
    kept = library.load("striate-photos/handcrafted.safetensors")
    with monkeypatch.context() as patch:
        never = replace(usual["handcrafted"], learn=stop)
        patch.setattr(type(task), "methods", MappingProxyType({**usual, "handcrafted": never}))
        done = striate(*again.split()[5:], "--json")
    assert done.code == 0, done.err
    first, _ = json.loads(done.out)["methods"]
    assert first["stages"] == kept.provenance["seconds"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--methods", "magic"), "no method of classification is called 'magic'"),
        (("--methods", ""), "at least one method"),
        (("--methods", ","), "at least one method"),
        (("--task", "clasification"), "did you mean classification"),
        (("--methods", "handcrafted", "--network", "lenet5"), "--network lenet5: none of"),
        (("--methods", "handcrafted", "--weights", "none"), "--weights none: none of"),
        (("--methods", "scratch", "--network", "lenet55"), "did you mean lenet5"),
        (("--methods", "scratch", "--weights", "imagenet"), "--weights imagenet: none of"),
        (("--methods", "handcrafted", "--recipe", "scratch"), "--recipe: none of"),
        (
            ("--methods", "handcrafted", "--set", "clip=1"),
            "none of handcrafted has it; they have balance",
        ),
        (("--methods", "handcrafted,scratch", "--set", "clips=1"), "did you mean clip"),
        (("--methods", "handcrafted", "--time-limit", "3"), "--time-limit: none of"),
        (("--methods", "scratch", "--recipe", "vgg_2051"), "did you mean vgg_2015"),
        (("--device", "cuda:99"), "--device cuda:99"),
        (("--seed", "99999999999999999999"), "--seed"),
    ],
)
def test_mistakes_are_one_line_before_anything_is_learned(striate, photos, options, words):
    done = striate("compare", photos, *options)
    assert (done.code, done.one_line) == (2, True), done.err
    assert words in done.err
    assert not list(Path().glob("striate-photos/*.safetensors"))


def test_what_was_learned_otherwise_is_one_line(striate, photos):
    quick = ("compare", photos, "--methods", "handcrafted", "--seeds", 1)
    assert striate(*quick).code == 0
    done = striate(*quick, "--seed", 3)
    assert (done.code, done.one_line) == (2, True)
    assert "another seed (--seed 0); give another --out, or move it away" in done.err
    (photos / "bars" / "11.png").unlink()
    done = striate(*quick)
    assert (done.code, done.one_line) == (2, True)
    assert "other data; give another --out, or move it away" in done.err


def test_the_methods_are_listed(striate, photos):
    done = striate("compare", photos, "--methods", "list")
    assert done.code == 0
    assert "Hand-crafting" in done.out
    listed = json.loads(striate("compare", photos, "--methods", "list", "--json").out)
    assert listed["task"] == "classification"
    assert {"method", "title", "approach", "networks", "compared"} == set(listed["methods"][0])
    assert not Path("striate-photos").exists()


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is not a folder that can be written to"):
        see_writable(tmp_path / "file" / "results")
    see_writable(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()


def test_a_command_can_be_pasted_into_a_shell():
    assert command_line("compare", "it's", {"seed": 0, "out": None, "json": False}) == (
        """striate compare 'it'"'"'s' --seed 0"""
    )
