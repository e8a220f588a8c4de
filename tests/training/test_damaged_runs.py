"""Damaged folders of runs: each is gone on from, or refused in one line."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.recognizer.test_damaged_files import (
    ODD,
    flipped,
    odd_header,
    odd_numbers,
    odd_places,
    truncated,
)
from tests.training.test_fit import CLASSES, Build, Fragile, Killed
from torch import nn

from striate.data import Dataset
from striate.errors import DataError, Diverged, UserError, WeightsError
from striate.tasks.classification.problem import ClassificationProblem
from striate.tensors import load_tensors, save_tensors
from striate.training import Recipe, fit

TEXTS = (b"", b"[]", b"null", b"[" * 100_000, b"\xff\xfe", b"1" * 5_000, b'"x"', b"\0" * 99)
WEIGHTS = (truncated, flipped, odd_places, odd_numbers)
Resume = Callable[[Path], Any]


@pytest.fixture
def killed(stripes: Dataset, network: Build, recipe: Recipe, tmp_path: Path) -> Path:
    """The folder of a run that ended in its third epoch of three."""
    folder = tmp_path / "killed"
    with pytest.raises(Killed):
        fit(network(), Fragile(dies_at=10), stripes, recipe.but(average=0.9), folder=folder)
    return folder


@pytest.fixture
def resumed(stripes: Dataset, network: Build, recipe: Recipe) -> Resume:
    def again(folder: Path) -> Any:
        problem, averaged = ClassificationProblem(CLASSES), recipe.but(average=0.9)
        return fit(network(), problem, stripes, averaged, folder=folder, resume=True)

    return again


def text(data: bytes, draw: random.Random) -> bytes:
    """JSON that is another value, or none."""
    if draw.random() < 0.3:
        return draw.choice(TEXTS)
    if draw.random() < 0.3:
        return data[: draw.randrange(len(data))]
    value = json.loads(data)
    value[draw.choice(list(value))] = draw.choice(ODD)
    return json.dumps(value).encode()


def lines(data: bytes, draw: random.Random) -> bytes:
    """One line of JSON is another, or stands twice."""
    rows = data.splitlines()
    place = draw.randrange(len(rows))
    rows[place] = text(rows[place], draw)
    return b"\n".join([*rows, rows[0]][: len(rows) + draw.randrange(2)]) + b"\n"


DAMAGES = {
    "run.json": (text,),
    "metrics.jsonl": (lines,),
    "checkpoint.safetensors": (odd_header, odd_header, *WEIGHTS),
    "best.safetensors": WEIGHTS,  # whose header is empty
}


def test_each_is_gone_on_from_or_refused_in_one_line(
    killed: Path, resumed: Resume, tmp_path: Path
) -> None:
    draw, went_on, reasons = random.Random(0), 0, list[str]()
    for number in range(40):
        folder = tmp_path / str(number)
        shutil.copytree(killed, folder)
        path = folder / list(DAMAGES)[number % len(DAMAGES)]
        path.write_bytes(draw.choice(DAMAGES[path.name])(path.read_bytes(), draw))
        try:
            resumed(folder)
        except (UserError, Diverged) as error:
            reasons.append(str(error))
        else:
            went_on += 1
    assert all(reason.isprintable() and len(reason) < 700 for reason in reasons)
    assert len(reasons) > 20
    assert went_on


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"step": 13}, "step 13 of 12"),
        ({"step": "9"}, "'9' is not a number"),
        ({"step": True}, "True is not a number"),
        ({"losses": [float("nan")]}, "nan is not a number"),
        ({"losses": 7}, "of another model"),
        ({"objectives": []}, "of another model"),
    ],
)
def test_checkpoints_that_do_not_fit(
    change: dict[str, Any], reason: str, killed: Path, resumed: Resume
) -> None:
    path = killed / "checkpoint.safetensors"
    tensors, header = load_tensors(path)
    save_tensors(path, tensors, {**header, **change})
    (killed / "previous.safetensors").unlink()
    with pytest.raises(WeightsError, match=reason):
        resumed(killed)


def cut(data: bytes) -> bytes:
    return data[:-100]


def one_bit(data: bytes) -> bytes:
    return data[:-50] + bytes([data[-50] ^ 1]) + data[-49:]


@pytest.mark.parametrize("damage", [cut, one_bit, None])
def test_a_damaged_checkpoint_gives_place_to_the_one_before(
    damage: Callable[[bytes], bytes] | None,
    killed: Path, resumed: Resume, tmp_path: Path, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    path, other = killed / "checkpoint.safetensors", tmp_path / "other"
    shutil.copytree(killed, other)
    (killed / ".checkpoint.safetensors.x1y2").touch()  # of a process that was killed
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()  # killed when the last had been set aside
    resumed(killed)
    said = [record.message for record in caplog.records]
    assert len(said) == (1 if damage else 0)
    assert all(line.endswith("goes on from the checkpoint before, step 4") for line in said)
    resumed(other)
    assert not list(killed.glob(".checkpoint*"))
    for name in ("metrics.jsonl", "checkpoint.safetensors", "best.safetensors"):
        assert (killed / name).read_bytes() == (other / name).read_bytes(), name


def test_two_damaged_checkpoints_are_refused_by_the_reason_of_the_last(
    killed: Path, resumed: Resume
) -> None:
    (killed / "checkpoint.safetensors").write_bytes(b"x")
    (killed / "previous.safetensors").write_bytes(b"y")
    with pytest.raises(WeightsError, match=r"checkpoint\.safetensors is not a file"):
        resumed(killed)


@pytest.mark.parametrize(
    "row",
    [
        "[1]", "{}", '{"step": 4, "epoch": 1}', '{"step": 4, "epoch": 1, "top1": "1"}',
        '{"step": 4, "epoch": 1, "top1": NaN}', '{"step": 8, "epoch": 1, "top1": 0.5}',
        '{"step": 4, "epoch": 1, "top1": ' + "1" * 400 + "}", "\xff",
    ],
)  # fmt: skip
def test_a_line_before_the_last_that_is_no_evaluation(
    row: str, killed: Path, resumed: Resume
) -> None:
    path = killed / "metrics.jsonl"
    last = path.read_text().splitlines()[-1]
    path.write_bytes(f"{row}\n{last}\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"metrics\.jsonl, line [12]: not an evaluation"):
        resumed(killed)


def test_best_weights_that_do_not_fit(killed: Path, resumed: Resume) -> None:
    run = resumed(killed)
    path, tensors = killed / "best.safetensors", run.model.state_dict()
    name = next(iter(tensors))
    for change, reason in (
        (nn.Parameter(tensors[name] / 0), "is not finite"), (tensors[name][:1], "another model"),
    ):  # fmt: skip
        save_tensors(path, {**tensors, name: change}, {})
        with pytest.raises(WeightsError, match=reason):
            resumed(killed)
