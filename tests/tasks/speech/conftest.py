"""A folder of made-up speech: every phone is a tone of its own, every speaker a little higher."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile

import striate
from striate.tasks.contract import Ask, Learned
from striate.tasks.speech.learning import RECIPE, learn_network
from striate.tasks.speech.methods import METHODS
from striate.tasks.speech.prepared import Heard, read

SMALL = {
    "dnn-hmm": {"kind": "dnn", "hidden": [64, 64]},
    "cnn-hmm": {"kind": "cnn", "maps": 8, "hidden": [64], "dropout": 0.1},
}

TONES = {"A": (500, 1500), "B": (900, 3000), "C": (2000, 4000), "D": (300, 5200)}
DICTIONARY = {"abba": "ABBA", "bad": "BAD", "cab": "CAB", "dad": "DAD"}


def spoken(words: list[str], speaker: int, random: np.random.Generator) -> np.ndarray:
    """Samples at 16 kHz: silence, the words, silence."""
    parts = [np.zeros(int(random.uniform(0.08, 0.15) * 16_000))]
    for word in words:
        for phone in DICTIONARY[word]:
            time = np.arange(int(random.uniform(0.06, 0.1) * 16_000)) / 16_000
            low, high = (hertz * (1 + 0.02 * speaker) for hertz in TONES[phone])
            parts.append(np.sin(2 * np.pi * low * time) + 0.7 * np.sin(2 * np.pi * high * time))
        if random.random() < 0.5:
            parts.append(np.zeros(int(0.06 * 16_000)))
    parts.append(np.zeros(int(0.1 * 16_000)))
    whole = 0.2 * np.concatenate(parts)
    return (whole + random.normal(0, 0.005, len(whole))).astype(np.float32)


def write(folder: Path, count: int = 60) -> Path:
    """So many recordings of six speakers; the last two speakers are the test."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = {"train": ["file\tspeaker\twords"], "test": ["file\tspeaker\twords"]}
    for number in range(count):
        speaker = number % 6
        words = random.choice(list(DICTIONARY), random.integers(1, 4)).tolist()
        name = f"{number}.flac"
        soundfile.write(folder / name, spoken(words, speaker, random), 16_000)
        part = "test" if speaker > 3 else "train"
        rows[part].append(f"{name}\tspeaker {speaker}\t{' '.join(words)}")
    for part, lines in rows.items():
        (folder / f"{part}.tsv").write_text("\n".join(lines) + "\n")
    entries = [f"{word} {' '.join(phones)}" for word, phones in DICTIONARY.items()]
    (folder / "words.dic").write_text("\n".join(entries) + "\n")
    return folder


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder."""
    return write(tmp_path_factory.mktemp("speech") / "calls")


@pytest.fixture(scope="session")
def heard(speech: Path) -> Heard:
    """The same, read."""
    return read(striate.open(speech, task="speech"))


@pytest.fixture(scope="session")
def learn(heard: Heard) -> Callable[[str], Learned]:
    """`learn("cnn-hmm")` is what a method learns of it with a small network; each learns once."""

    def of(name: str) -> Learned:
        if name not in SMALL:
            return METHODS[name].learn(heard, Ask())
        recipe = RECIPE.but(epochs=6, batch_size=64, learning_rate=3e-3)
        return learn_network(heard, Ask(recipe=recipe), plan=SMALL[name])

    return cache(of)
