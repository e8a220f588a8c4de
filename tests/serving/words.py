"""A recognizer of two words that has learned nothing, and noise for it to hear."""

import io
from pathlib import Path

import numpy as np
import soundfile

from striate.hmm import Lexicon, Mixtures, word_list
from striate.recognizer import Recognizer
from striate.tasks.speech.decoding import Language
from striate.tasks.speech.features import CEPSTRA, CHANNELS
from striate.tasks.speech.learning import FILTERS
from striate.tasks.speech.predictors import MixtureRecognizer
from striate.tasks.table import TASKS


def wav(seconds: float, rate: int = 8000) -> bytes:
    stream = io.BytesIO()
    samples = np.random.default_rng(0).normal(0, 0.1, int(rate * seconds))
    soundfile.write(stream, samples, rate, format="WAV")
    return stream.getvalue()


def two_words(path: Path) -> Path:
    """The recognizer, saved."""
    lexicon = Lexicon.of([("yes", "YES"), ("no", "NO")])
    random = np.random.default_rng(0)
    shape = (lexicon.pdfs, 1, CEPSTRA * CHANNELS)
    mixtures = Mixtures(
        np.ones(shape[:2]), random.normal(0, 1, shape), np.ones(shape), np.full(shape[2], 0.01)
    )
    language = Language(lexicon, word_list(2), np.full(lexicon.pdfs, 0.5), 1.0, 0.0)
    Recognizer(TASKS["speech"], MixtureRecognizer(FILTERS, language, mixtures), ()).save(path)
    return path
