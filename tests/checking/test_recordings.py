"""Copies of one recording, however it is stored, and recordings unlike the rest."""

import numpy as np
import pytest
import soundfile

from striate import checking
from striate.checking.recordings import copies, correlation, odd
from striate.data.recording_lists import open_recording_lists
from striate.data.recordings import read_recordings
from striate.errors import DataError


def sound(seed: int, seconds: float = 0.6) -> np.ndarray:
    """Noise whose color changes every tenth of a second, as no two utterances share it."""
    random = np.random.default_rng(seed)
    parts = []
    for _ in range(round(10 * seconds)):
        time = np.arange(1600) / 16_000
        tones = [np.sin(2 * np.pi * hertz * time) for hertz in random.uniform(200, 6000, 3)]
        parts.append(sum(tones) + random.normal(0, 0.2, 1600))
    return (0.1 * np.concatenate(parts)).astype("f4")


@pytest.fixture
def folder(tmp_path):
    """Six recordings to learn from, two to score; two of the first come again otherwise."""
    lines = {"train": ["file\twords"], "test": ["file\twords"]}
    for number in range(8):
        samples = sound(number)
        if number == 6:
            samples = 0.5 * sound(0)
        name = f"{number}.{'ogg' if number == 6 else 'wav'}"
        soundfile.write(tmp_path / name, samples, 16_000)
        lines["test" if number > 5 else "train"].append(f"{name}\tyes no")
    (tmp_path / "5.wav").write_bytes((tmp_path / "1.wav").read_bytes())
    for part, rows in lines.items():
        (tmp_path / f"{part}.tsv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_copies_are_found_louder_and_in_another_format(folder):
    data = read_recordings(open_recording_lists(folder, seed=0))
    name = data.dataset.inputs.name
    pairs = copies(data)
    found = {
        frozenset((name(a), name(b))): exact
        for a, b, exact in zip(pairs.first, pairs.second, pairs.exact, strict=True)
    }
    assert found == {
        frozenset(("0.wav", "6.ogg")): False,
        frozenset(("1.wav", "5.wav")): True,
    }


def test_a_check_says_that_the_test_was_learned_from(folder):
    found = checking.check(open_recording_lists(folder, seed=0))
    assert len(found.copies) == 2
    assert "test" in "\n".join(checking.lines(found))


def test_a_shift_of_three_frames_is_the_same_sound():
    from striate import audio

    whole = sound(3, 1.0)
    first, later, other = (
        audio.log_mel([one], audio.Filters())[0]
        for one in (whole[:-480], whole[480:], sound(4, 1.0))
    )
    assert correlation(first, later) > 0.99
    assert correlation(first, other) < 0.9
    assert correlation(first, other[:30]) == 0.0


def test_silent_and_long_recordings_are_odd(folder):
    soundfile.write(folder / "2.wav", 1e-3 * sound(2, 1.0), 16_000)
    soundfile.write(folder / "3.wav", sound(3, 12.0), 16_000)
    data = read_recordings(open_recording_lists(folder, seed=0))
    found = {data.dataset.inputs.name(one.row): one.kind for one in odd(data)}
    assert found == {"2.wav": "quiet", "3.wav": "long"}


def test_broken_recordings_are_named_counted_and_left_out(folder):
    (folder / "4.wav").write_bytes(b"")
    soundfile.write(folder / "3.wav", np.zeros(0), 16_000)
    soundfile.write(folder / "0.wav", np.zeros(10_000 * 4000, np.int16), 4000)
    data = read_recordings(open_recording_lists(folder, seed=0)).dataset
    reasons = {one.name: one.reason for one in data.left_out}
    assert reasons == {
        "4.wav": "is an empty file",
        "3.wav": "holds no sound: 0 seconds",
        "0.wav": "is 10,000 s long; 600 s are read at most: cut it into parts",
    }
    assert len(data) == 5


def test_nothing_that_can_be_read_is_one_line(folder):
    for number in range(8):
        (folder / f"{number}.{'ogg' if number == 6 else 'wav'}").write_bytes(b"no sound")
    with pytest.raises(DataError, match="nothing left to learn from"):
        read_recordings(open_recording_lists(folder, seed=0))
