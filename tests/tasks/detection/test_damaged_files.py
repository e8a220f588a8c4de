"""Files of detectors damaged at random: each answers, or is refused in one line."""

import random
from pathlib import Path

import numpy as np
from tests.recognizer.test_damaged_files import DAMAGES
from tests.tasks.detection.dpm.test_predictor import NAMES, predictor

from striate.errors import WeightsError
from striate.recognizer import Recognizer, load
from striate.tasks.detection.task import Detection


def test_each_answers_or_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    Recognizer(Detection(), predictor(), NAMES).save(path)
    sound, draw, answers, reasons = path.read_bytes(), random.Random(0), 0, list[str]()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for number in range(60):
        path.write_bytes(DAMAGES[number % len(DAMAGES)](sound, draw))
        try:
            (found,) = load(path, device="cpu")([pixels])
        except WeightsError as error:
            reasons.append(str(error))
        else:
            assert not found.error
            answers += 1
    assert all(one.isprintable() and len(one) < 700 and str(path) in one for one in reasons)
    assert len(reasons) > 30
    assert answers
