"""What comes back from a file is what went in; what does not fit is refused soon, in one line."""

import copy
import json
import random
import resource
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from striate.errors import ModelError, WeightsError
from striate.recognizer import Recognizer, load
from striate.tasks.classification.predictor import Classifier
from striate.tensors import load_tensors, save_tensors

BAG = "visual words"
HUGE = 10 * 2**30
MEMORY = 300  # MiB more than before
Make = Callable[[str], Recognizer]
Refuse = Callable[[Path, str], None]


def classifier_of(recognizer: Recognizer) -> Classifier:
    assert isinstance(recognizer.predictor, Classifier)
    return recognizer.predictor


@pytest.mark.parametrize("name", ["lenet5", "efficientnet_lite0", BAG])
def test_round_trip_bit_for_bit(
    name: str, recognizer: Make, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    ours, path = recognizer(name), tmp_path / "folder" / "it.safetensors"
    ours.save(path)
    theirs = load(path, device="cpu")
    mine, other = classifier_of(ours), classifier_of(theirs)
    assert (theirs.names, other.calibration) == (ours.names, mine.calibration)
    assert other.preprocessing == mine.preprocessing
    assert other.parameters == mine.parameters == sum(
        t.numel() for t in mine.model.state_dict().values()
    )  # fmt: skip
    assert not other.model.training
    one, two = ours(list(pixels)), theirs(list(pixels))
    assert one == two
    assert len({prediction.labels for prediction in one}) == 7  # not one answer for all
    again = tmp_path / "again.safetensors"
    theirs.save(again)
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["lenet5", BAG])
def test_round_trip_with_familiarity(
    name: str, recognizer: Make, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    plain = recognizer(name)
    predictor = classifier_of(plain)
    seen = np.stack([predictor.prepare(picture) for picture in pixels])
    targets = np.arange(7, dtype=np.int64) % 3
    knowing = predictor.familiar(seen, targets, np.arange(7), np.arange(7))
    ours = replace(plain, predictor=knowing)
    ours.save(tmp_path / "r.safetensors")
    again = classifier_of(load(tmp_path / "r.safetensors", device="cpu"))
    assert knowing.familiarity is not None
    assert again.familiarity is not None
    assert again.familiarity.threshold == knowing.familiarity.threshold
    assert torch.equal(again.familiarity.directions, knowing.familiarity.directions)
    np.testing.assert_array_equal(again.answers(seen)[1], knowing.answers(seen)[1])


def test_a_network_of_one_s_own_needs_the_network(
    foreign: Recognizer, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "own.safetensors"
    foreign.save(path)
    with pytest.raises(WeightsError, match=r"own \(Sequential\).*load\(path, model=\.\.\.\)"):
        load(path)
    fresh = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(400, 2)
    )
    again = load(path, model=fresh, device="cpu")
    assert again(list(pixels)) == foreign(list(pixels))
    assert classifier_of(again).model is fresh
    assert not fresh.training
    with pytest.raises(WeightsError, match="does not fit its network"):
        load(path, model=nn.Linear(3, 2))


@pytest.fixture
def saved(recognizer: Make, tmp_path: Path) -> Path:
    path = tmp_path / "good.safetensors"
    recognizer("lenet5").save(path)
    return path


def peak() -> float:
    """The most memory the process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


@pytest.fixture
def refuse() -> Refuse:
    """`refuse(path, words)`: loading says so, soon and in little memory."""

    def check(path: Path, words: str) -> None:
        before, start = peak(), time.process_time()
        with pytest.raises(WeightsError, match=words) as caught:
            load(path)
        message = str(caught.value)
        assert "\n" not in message
        assert str(path) in message or "user's own" in message
        assert len(message) < 600
        assert time.process_time() - start < 5
        assert peak() - before < MEMORY

    return check


def changed(path: Path, **changes: Any) -> Path:
    """A copy whose predictor's header says something else; None takes the entry out."""
    tensors, header = load_tensors(path)
    about = header["predictor"]
    for name, value in changes.items():
        about.pop(name) if value is None else about.update({name: value})
    save_tensors(path.with_name("changed.safetensors"), tensors, header)
    return path.with_name("changed.safetensors")


@pytest.mark.parametrize("name", ["architecture", "preprocessing", "calibration", "familiarity"])
def test_every_missing_entry(name: str, saved: Path, refuse: Refuse) -> None:
    if name == "familiarity":  # None is what it holds where there is none
        tensors, header = load_tensors(saved)
        del header["predictor"][name]
        save_tensors(saved, tensors, header)
        refuse(saved, f"damaged recognizer file .*'{name}'")
    else:
        refuse(changed(saved, **{name: None}), f"damaged recognizer file .*'{name}'")


VIEW = {"size": 32, "channels": 3, "fit": "squash", "fraction": 0.875}
NORM = {"mean": [1] * 3, "std": [1] * 3, "bgr": False}


def lenet5(**options: Any) -> dict[str, Any]:
    return {"architecture": {"name": "lenet5", "options": options}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": {"name": "lenet6", "options": {}}}, "did you mean lenet5"),
        (lenet5(depth=3), "option of lenet5"),
        (lenet5(image_size=-9), "damaged|fit"),
        (lenet5(image_size=10**9), "damaged|fit"),
        (lenet5(image_size=2**40), "damaged|fit"),
        (lenet5(channels=2**40), "damaged|fit"),
        (lenet5(channels="3"), "damaged"),
        (lenet5(channels=1), "c1.*expected"),
        ({"architecture": {"name": "lenet5", "options": [1]}}, "damaged"),
        (lenet5(classes=3), "damaged"),
        (lenet5(weights="x.pt"), "other weights"),
        ({"architecture": {"name": ["lenet5"]}}, "damaged"),
        ({"architecture": {"name": "vgg16"}}, "does not fit"),
        ({"architecture": "lenet5"}, "damaged"),
        ({"architecture": {"name": None, "kind": "Net"}}, "user's own"),
        ({"calibration": {"temperature": 0.0, "threshold": 0.1}}, "temperature must be"),
        ({"calibration": {"temperature": "1", "threshold": 0.1}}, "damaged"),
        ({"calibration": {"odd": 1}}, "damaged"),
        ({"calibration": [1.0, 0.0]}, "damaged"),
        ({"familiarity": {"threshold": 0.5}}, "familiarity.directions is missing"),
        ({"preprocessing": {"view": VIEW, "normalization": {**NORM, "mean": [1]}}}, "do not fit"),
        ({"preprocessing": {"view": {**VIEW, "size": 0}, "normalization": NORM}}, "damaged"),
        ({"preprocessing": {"view": {**VIEW, "size": 10**6}, "normalization": NORM}}, "1,000,000"),
    ],
)
def test_headers_that_do_not_fit(
    changes: dict[str, Any], words: str, saved: Path, refuse: Refuse
) -> None:
    refuse(changed(saved, **changes), words)


@pytest.mark.parametrize(
    "changes",
    [
        {"side": 2**40},
        {"words": 2**40},
        {"words": 2**70},
        {"step": 0},
        {"bin_sizes": [1] * 10**6},
        {"bin_sizes": [2**40]},
        {"levels": [[2**20, 2**20]]},
        {"levels": [[1, 1]] * 10**5},
    ],
)
def test_visual_words_of_impossible_sizes(
    changes: dict[str, Any], recognizer: Make, tmp_path: Path, refuse: Refuse
) -> None:
    path = tmp_path / "it.safetensors"
    recognizer(BAG).save(path)
    settings = load_tensors(path)[1]["predictor"]["settings"]
    refuse(changed(path, settings={**settings, **changes}), "damaged")


def rewritten(path: Path, **tensors: torch.Tensor | None) -> Path:
    """A copy with other tensors; None takes one out."""
    own, header = load_tensors(path)
    for name, tensor in tensors.items():
        name = name.replace("__", ".")
        if tensor is None:
            del own[name]
        else:
            own[name] = tensor
    save_tensors(path.with_name("rewritten.safetensors"), own, header)
    return path.with_name("rewritten.safetensors")


def test_tensors_that_do_not_fit(saved: Path, refuse: Refuse) -> None:
    refuse(
        rewritten(saved, f6__0__weight=torch.zeros(84, 121)),
        r"f6.0.weight is \(84, 121\) float32, expected \(84, 120\) float32 \(1 differ\)",
    )
    refuse(
        rewritten(saved, f6__0__bias=torch.zeros(84, dtype=torch.int64)),
        r"f6.0.bias is \(84,\) int",
    )
    refuse(rewritten(saved, c1__0__bias=None), "c1.0.bias is missing")
    refuse(rewritten(saved, extra=torch.zeros(1)), "extra is .* expected nothing of that name")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value: float, saved: Path, refuse: Refuse) -> None:
    weight = load_tensors(saved)[0]["c5.0.weight"]
    weight[3, 3] = value
    refuse(rewritten(saved, c5__0__weight=weight), "not all numbers of c5.0.weight are finite")


def test_every_tensor_that_claims_ten_gigabytes(
    recognizer: Make, tmp_path: Path, refuse: Refuse
) -> None:
    """The file is as long as it says, with a hole in it: who reads it all, takes the memory."""
    path = tmp_path / "it.safetensors"
    recognizer("lenet5").save(path)
    places, header, _ = taken_apart(path.read_bytes())
    for name in places:
        claim = {**places, name: {"dtype": "F32", "shape": [HUGE // 4], "data_offsets": None}}
        end = 0
        for place in claim.values():
            size = 4 * int(np.prod(place["shape"], dtype=np.int64))
            place["data_offsets"] = [end, end + size]
            end += size
        data = put_together((claim, header, b""))
        with path.open("wb") as file:
            file.write(data)
            file.truncate(len(data) + end)
        refuse(path, "does not fit its network")


# fmt: off
ODD: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 7, 0.5, -0.0, 1e308, float("nan"), float("inf"), 2**31, 2**40,
    2**63, 10**30, "", "lenet5", "x" * 5_000, "\0", "../../etc/passwd", [], [[]], [0], [2**40] * 3,
    ["a", "a"], {}, {"a": {}}, [1, "b", None],
)
# fmt: on
Parts = tuple[dict[str, Any], dict[str, Any], bytes]
"""What stands in such a file: where its tensors lie, our header, and the tensors' bytes."""


def taken_apart(data: bytes) -> Parts:
    (length,) = struct.unpack("<Q", data[:8])
    places = json.loads(data[8 : 8 + length])
    header = json.loads(places.pop("__metadata__")["striate"])
    return places, header, data[8 + length :]


def put_together(parts: Parts) -> bytes:
    places, header, body = parts
    text = json.dumps({"__metadata__": {"striate": json.dumps(header)}, **places}).encode()
    return struct.pack("<Q", len(text)) + text + body


def odd_header(data: bytes, draw: random.Random) -> bytes:
    """One value of the predictor's header, anywhere in it, is another or missing."""
    places, header, body = taken_apart(data)
    here: Any = header["predictor"]
    while True:
        key = draw.choice(list(here) if isinstance(here, dict) else range(len(here)))
        if isinstance(here[key], dict | list) and here[key] and draw.random() < 0.7:
            here = here[key]
            continue
        if draw.random() < 0.2:
            del here[key]
        else:
            here[key] = copy.deepcopy(draw.choice(ODD))
        return put_together((places, header, body))


def odd_places(data: bytes, draw: random.Random) -> bytes:
    """One tensor is of another shape, kind or place; or two lie in one place."""
    places, header, body = taken_apart(data)
    name, other = draw.choice(list(places)), draw.choice(list(places))
    field = draw.choice(("shape", "dtype", "data_offsets", "all", "name"))
    if field == "name":
        places[other + "x"] = places.pop(name)
    elif field == "all":
        places[name] = copy.deepcopy(places[other])
    elif field == "dtype":
        places[name]["dtype"] = draw.choice(("F64", "F16", "I8", "BOOL", "F8_E4M3", "X", ""))
    else:
        old = places[name][field]
        places[name][field] = draw.choice(
            (old[::-1], [], [0, *old], [*old, 2**62], [HUGE], [-1], [0, HUGE], [2**63, 2**64], None)
        )
    return put_together((places, header, body))


@pytest.mark.parametrize("name", ["lenet5", BAG])
def test_every_damaged_file_answers_or_is_refused(
    name: str, recognizer: Make, tmp_path: Path
) -> None:
    path = tmp_path / "it.safetensors"
    recognizer(name).save(path)
    sound, draw, ends = path.read_bytes(), random.Random(0), Counter[str]()
    picture = np.full((20, 20, 3), 99, np.uint8)
    before, slowest, count = peak(), 0.0, 300
    for number in range(count):
        path.write_bytes((odd_header, odd_places)[number % 2](sound, draw))
        start = time.process_time()
        message = ""
        try:
            found = load(path, device="cpu")
        except WeightsError as error:
            message = str(error)
        else:
            with np.errstate(all="ignore"), suppress(ModelError):  # pictures of another size
                found([picture])
        ends["refused" if message else "answers"] += 1
        assert "\n" not in message
        assert len(message) < 600
        assert not message or str(path) in message or "user's own" in message
        slowest = max(slowest, time.process_time() - start)
    assert ends["refused"] > count / 2
    assert ends["answers"] > 0  # a temperature may be another
    assert slowest < 5
    assert peak() - before < MEMORY
