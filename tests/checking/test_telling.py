"""What is said of findings: a few lines, and JSON."""

import json
import shutil
from dataclasses import replace

import numpy as np

from striate.checking import Effect, Suspect, check, summary, to_json
from striate.checking.telling import uneven
from striate.data import Labels


def test_the_summary_says_the_worst_first(folder):
    for number in range(2):
        shutil.copyfile(folder / f"train/cat/{number}.png", folder / f"test/cat/leak-{number}.png")
    shutil.copyfile(folder / "train/dog/0.png", folder / "train/cat/conflict.png")
    findings = replace(
        check(folder, deep=False, judge=False),
        effect=Effect(0.9, 0.875, 1.0),
        suspects=(Suspect(0, 1, 0.9),),
    )
    assert summary(findings).splitlines() == [
        "set: 35 images of 2 classes",
        "  2 of 10 test images (20.0 %) also stand in training or validation; a plain classifier "
        "scores 90.0 % with them and 87.5 % without",
        "  1 picture under several labels, of which one at most is right",
        "  3 images repeat another: 3 pictures more than once, 3 of them byte for byte",
        "  1 label is probably wrong",
        "  dog has 16 images only",
    ]


def test_nothing_found_is_said(folder, scene):
    for number in range(10):
        for label, start in (("cat", 100), ("dog", 200)):
            scene(start + number).save(folder / "train" / label / f"more-{number}.png")
    findings = check(folder, deep=False, judge=False)
    assert findings.sound
    assert summary(findings) == "set: 52 images of 2 classes\n  nothing wrong found"


def test_uneven_classes(folder, scene):
    for number in range(40):
        scene(100 + number).save(folder / "train/dog" / f"more-{number}.png")
    findings = check(folder, deep=False, judge=False)
    assert uneven(findings.dataset) == "dog has 3.5 times as many images as cat (56 and 16)"


def test_json_names_everything(folder):
    shutil.copyfile(folder / "train/cat/0.png", folder / "test/dog/leak.png")
    (folder / "train/cat/broken.png").write_bytes(b"")
    findings = replace(
        check(folder, deep=False, judge=False), suspects=(Suspect(0, 1, 0.5),), judged=True
    )
    value = json.loads(json.dumps(to_json(findings)))
    assert value["data"]["classes"]["cat"] == {"train": 8, "validation": 4, "test": 4}
    assert value["left_out"] == [{"name": "train/cat/broken.png", "reason": "empty file"}]
    one = {"name": "train/cat/0.png", "label": "cat", "split": "train"}
    other = {"name": "test/dog/leak.png", "label": "dog", "split": "test"}
    assert value["copies"] == [
        {"images": [one, other], "exact": True, "mirrored": False, "likeness": 1.0}
    ]
    assert value["conflicts"] == [["train/cat/0.png", "test/dog/leak.png"]]
    assert value["leaks"]["test"] == ["test/dog/leak.png"]
    assert value["labels"]["suspects"] == [{**one, "suggested": "dog", "probability": 0.5}]


def test_all_classes_that_have_as_few_are_named(folder):
    data = check(folder, deep=False, judge=False).dataset

    def of(*counts: int) -> str | None:
        """What is said of classes of so many images."""
        names = tuple(f"c{number}" for number in range(len(counts)))
        numbers = np.repeat(np.arange(len(counts)), counts)
        rows = np.zeros(len(numbers), np.int64)
        return uneven(replace(data.take(rows), targets=Labels(names, numbers)))

    assert of(6, 6) == "c0 and c1 have 6 images each"
    assert of(7, 6, 6) == "c1 and c2 have 6 images each"
    assert of(7, 6, 7) == "c1 has 6 images only"
    assert of(6, 6, 6) == "c0, c1 and c2 have 6 images each"
    assert of(6, 6, 8, 6, 6) == "4 classes, such as c0, have 6 images each"
    assert of(6, 0, 0) == "c1 and c2 have no images"
    assert of(20, 20) is None
