"""What an acoustic model sees: the states it finds frame by frame, and what it depends on."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import audio, hmm
from striate.errors import ModelError, UnknownName
from striate.hmm import STATES, Segment
from striate.inference import evaluating
from striate.inference.devices import device_of
from striate.progress import track
from striate.tasks.speech.answers import Answer
from striate.tasks.speech.decoding import log_probabilities
from striate.tasks.speech.features import CHANNELS, Spectra
from striate.tasks.speech.predictors import NetworkRecognizer, Recognizing
from striate.tasks.speech.windows import CONTEXT, windows

BANDS, FRAMES = 5, 10  # that are hidden at a time: an eighth of all bands, a tenth of a second
REACH = 4  # frames that two differences of five frames each see on both sides


@dataclass(frozen=True, eq=False)
class Seen:
    """A recording with what was found in it.

    Attributes:
        answer: the words.
        posteriors: (T, units) the probability of each unit at each frame: the sum of its states'.
        states: (T,) on the best path of those words.
        segments: of the units of that path: a unit's number and its frames.
    """

    answer: Answer
    posteriors: NDArray[np.float32]
    states: NDArray[np.int64]
    segments: tuple[Segment, ...]


def seen(recognizer: Recognizing, spectra: Spectra) -> Seen:
    """What a recognizer finds in a recording."""
    scores = recognizer.scores([spectra])[0]
    lexicon = recognizer.language.lexicon
    (answer,) = recognizer.language.decode([scores], [spectra[:, -1]])
    words = [lexicon.numbers[word.text] for word in answer.words]
    network = hmm.sentence(words, lexicon, recognizer.language.stays)
    (path,) = hmm.aligned(network, hmm.padded([scores]), [len(scores)])
    states = np.zeros(len(scores), np.int64) if path is None else network.pdfs[path]
    units = np.exp(log_probabilities(scores)).reshape(len(scores), -1, STATES).sum(2)
    unit, place = np.divmod(states, STATES)
    again = (place[1:] == 0) & (place[:-1] == STATES - 1)  # the same unit once more
    change = np.flatnonzero([True, *((np.diff(unit) != 0) | again).tolist()])
    ends = [*change[1:].tolist(), len(states)]
    segments = tuple(
        Segment(int(unit[begin]), begin, end)
        for begin, end in zip(change.tolist(), ends, strict=True)
    )
    return Seen(answer, units, states, segments)


@dataclass(frozen=True, eq=False)
class Occlusion:
    """How much less probable an answer is where a part of the spectrogram is hidden.

    Attributes:
        name: of the word, or all words.
        probability: of its states on the path, the geometric mean over its frames.
        lost: (bands, parts) of that probability, for each patch of BANDS bands and FRAMES frames;
            low bands first.
    """

    name: str
    probability: float
    lost: NDArray[np.float64]


def occlusion(recognizer: Recognizing, spectra: Spectra, word: str | None = None) -> Occlusion:
    """Hides one patch of the log-mel plane after another: what is hidden gets its band's mean.

    Only frames whose window reaches the patch are computed again; the others stay as they are.

    Args:
        word: one that was found; where None, all of them.

    Raises:
        UnknownName: if that word was not found in the recording.
        ModelError: if there is no network.
    """
    if not isinstance(recognizer, NetworkRecognizer):
        raise ModelError(f"{recognizer.kind} has no network that can be looked into")
    found = seen(recognizer, spectra)
    counted = np.ones(len(spectra), bool)
    if word is not None:
        step = recognizer.language.step
        places = [one for one in found.answer.words if one.text.casefold() == word.casefold()]
        if not places:
            raise UnknownName("word of this recording", word, {w.text for w in found.answer.words})
        counted[:] = False
        for one in places:
            counted[round(one.begin / step) : round(one.end / step)] = True
        word = places[0].text
    plain = audio.normalized([spectra])[0]
    states = torch.from_numpy(found.states)
    features = standard(recognizer, plain)
    rows = torch.arange(len(features))
    whole = of_states(recognizer, features, rows, states)
    bands, parts = recognizer.filters.bands // BANDS, -(-len(plain) // FRAMES)
    lost = np.zeros((bands, parts))
    total = counted.sum()
    before = float(np.exp(whole[counted].sum() / total))
    for part in track(range(parts), "hide"):
        begin, end = part * FRAMES, min(len(plain), (part + 1) * FRAMES)
        first = max(0, begin - CONTEXT - REACH)
        last = min(len(plain), end + CONTEXT + REACH)
        some = torch.arange(first, last)
        for band in range(bands):
            hidden = plain.copy()
            hidden[begin:end, band * BANDS : (band + 1) * BANDS] = 0
            changed = whole.copy()
            changed[first:last] = of_states(
                recognizer, standard(recognizer, hidden), some, states[some]
            )
            lost[band, part] = before - float(np.exp(changed[counted].sum() / total))
    return Occlusion(word or found.answer.text, before, lost)


def standard(recognizer: NetworkRecognizer, plain: NDArray[np.float32]) -> Tensor:
    """Normalized features (T, width) as the network reads them: (T, C, width)."""
    every = torch.from_numpy(audio.deltas([plain])[0])
    return ((every - recognizer.shift) / recognizer.spread).view(len(every), CHANNELS, -1)


def of_states(
    recognizer: NetworkRecognizer, features: Tensor, rows: Tensor, states: Tensor
) -> NDArray[np.float64]:
    """(N,) logarithms of p(state | window) of frames `rows` (N,), each of its own state (N,)."""
    reach = torch.tensor([[0, len(features) - 1]]).expand(len(rows), 2)
    model = recognizer.model
    with evaluating(model):
        given = windows(features, rows, reach, CONTEXT).to(device_of(model))
        sure = model(given).cpu().double().log_softmax(1)
    found: NDArray[np.float64] = sure.gather(1, states[:, None])[:, 0].numpy()
    return found
