"""Speech: filter banks, cepstra and differences beside librosa's, and how fast words are found.

    python benchmarks/speech.py [--quick] [--json]

All on one thread. Features are those of 130 recordings of one to six seconds, all at once on our
side and one after another on librosa's, as its functions take them; what both compute is the same
number of bands, cepstra and differences. Finding words is measured on noise with a dictionary of
100 words of four phones and a bigram over them, from samples to words, by mixtures of 16 Gaussians
and by the convolutional network; noise keeps more ways alive than speech does.
"""

from collections.abc import Iterator

import numpy as np
import torch
from _rows import Row, absent, compared, main, paired, peer_module, seconds

from striate import audio
from striate.hmm import Lexicon, Mixtures, witten_bell
from striate.models.acoustic import AcousticCNN
from striate.tasks.speech.decoding import Language
from striate.tasks.speech.predictors import MixtureRecognizer, NetworkRecognizer, Recognizing

RATE, TARGET = 16_000, 5.0
RECORDINGS, WORDS = 130, 100
FILTERS = audio.Filters(energy=True)


def recordings(count: int) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    lengths = random.integers(RATE, 6 * RATE, count)
    return [random.normal(0, 0.1, length).astype(np.float32) for length in lengths]


def language(words: int) -> Language:
    """So many words, each of four of thirty phones; sentences of five."""
    random = np.random.default_rng(0)
    phones = [f"P{number}" for number in range(30)]
    lexicon = Lexicon.of((f"W{k:03}", random.choice(phones, 4).tolist()) for k in range(words))
    sentences = random.integers(0, words, (1000, 5)).tolist()
    stays = np.full(lexicon.pdfs, 0.6)
    return Language(lexicon, witten_bell(sentences, words), stays, 10.0, 0.0)


def recognizers(words: int) -> dict[str, Recognizing]:
    """With random acoustic models of the usual size."""
    spoken = language(words)
    states = spoken.lexicon.pdfs
    random = np.random.default_rng(0)
    shape = (states, 16, 39)
    mixtures = Mixtures(
        np.full(shape[:2], 1 / 16), random.normal(0, 1, shape), np.ones(shape), np.ones(39)
    )
    torch.manual_seed(0)
    model = AcousticCNN((15, 3, 41), states, maps=32, hidden=(384, 384))
    zeros = torch.zeros(123)
    return {
        "mixtures": MixtureRecognizer(FILTERS, spoken, mixtures),
        "network": NetworkRecognizer(
            FILTERS, spoken, model, {"kind": "cnn"}, zeros, zeros + 1, torch.zeros(states)
        ),
    }


def measure(quick: bool) -> Iterator[Row]:
    torch.set_num_threads(1)
    some = recordings(RECORDINGS // 10 if quick else RECORDINGS)
    rounds = 2 if quick else 7
    spectra = audio.log_mel(some, FILTERS)
    bands = [each[:, :40] for each in spectra]
    cepstra = audio.mfcc(bands)
    names = ("log-mel filter banks, 40 bands", "cepstra, 13 of 40 bands", "two differences")
    try:
        librosa = peer_module("librosa")
    except ImportError as error:
        yield from (absent(name, "ms", "librosa", error) for name in names)
    else:
        theirs = librosa.feature
        mel = {"sr": RATE, "n_fft": 512, "win_length": 400, "hop_length": 160, "center": False,
               "n_mels": 40, "fmin": 20.0, "fmax": 7600.0, "htk": True, "norm": None}  # fmt: skip
        yield paired(
            names[0],
            lambda: audio.log_mel(some, FILTERS),
            lambda: [np.log(theirs.melspectrogram(y=each, **mel) + 1e-10) for each in some],
            peer="librosa", rounds=rounds,
        )  # fmt: skip
        turned = [each.T for each in bands]
        yield paired(
            names[1],
            lambda: audio.mfcc(bands),
            lambda: [theirs.mfcc(S=each, n_mfcc=13) for each in turned],
            peer="librosa", rounds=rounds,
        )  # fmt: skip
        long = [each.T for each in cepstra if len(each) > 9]
        yield paired(
            names[2],
            lambda: audio.deltas(cepstra),
            lambda: [
                np.concatenate([each, theirs.delta(each, width=5),
                                theirs.delta(each, width=5, order=2)]) for each in long
            ],
            peer="librosa", rounds=rounds,
        )  # fmt: skip
    heard = some[:3] if quick else some[:32]
    total = sum(map(len, heard)) / RATE
    for name, recognizer in recognizers(WORDS).items():

        def find(recognizer: Recognizing = recognizer) -> object:
            return recognizer.predict([recognizer.prepare(each) for each in heard])

        def one_by_one(recognizer: Recognizing = recognizer) -> object:
            return [recognizer.predict([recognizer.prepare(each)]) for each in heard]

        for how, work in (("a batch", find), ("one by one", one_by_one)):
            work()
            spent = min(seconds(work) for _ in range(1 if quick else 3))
            yield compared(f"words by {name}, {WORDS} words, {how}", "x real time", total / spent,
                           "real time", 1.0, target=TARGET)  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__)
