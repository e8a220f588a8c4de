"""What is said in a recording."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from striate.audio import SUFFIXES
from striate.data import Dataset, Reader
from striate.data.recording_lists import (
    is_kaldi,
    is_recording_folder,
    is_recording_list,
    is_recording_lists,
    open_kaldi,
    open_recording_folder,
    open_recording_lists,
)
from striate.errors import UserError
from striate.tasks.contract import (
    Answered,
    Column,
    Explained,
    Method,
    Plan,
    Predictor,
    Section,
    Task,
    Wanted,
)
from striate.tasks.speech.answers import Answer, Transcript
from striate.tasks.speech.predictors import (
    MixtureRecognizer,
    NetworkRecognizer,
    Recognizing,
)
from striate.tasks.speech.prepared import Heard, read
from striate.tasks.speech.scores import Transcribed

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.speech.exported import ExportedSpeech
    from striate.visualize.explaining import Explanation


def _reader(name: str, matches: Any, opens: Any) -> Reader:
    return Reader(name, "transcripts", matches, opens, thing="recording")


class Speech(Task):
    """Recordings to words."""

    name = "speech"
    title = "which words are said in a recording"
    thing = "recording"
    reads = ("transcripts",)
    readers = (
        _reader("a table of recordings and words", is_recording_list, open_recording_lists),
        _reader("tables of recordings and words", is_recording_lists, open_recording_lists),
        _reader("Kaldi's wav.scp and text", is_kaldi, open_kaldi),
        _reader("recordings with a text beside each", is_recording_folder, open_recording_folder),
    )
    score, score_title = "word_accuracy", "words right"
    points = "points of words right"
    columns = (
        Column("word errors", "wer"),
        Column("wrong words", "substitutions"),
        Column("too many", "insertions"),
        Column("missing", "deletions"),
    )
    compared = ("gmm-hmm", "dnn-hmm", "cnn-hmm")
    default = "cnn-hmm"
    ignores = frozenset(("balance", "augmentation"))
    prediction = Transcript
    suffixes = SUFFIXES
    package = "striate.tasks.speech"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.speech.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (MixtureRecognizer, NetworkRecognizer)}

    def prepare(self, dataset: Dataset[Any], plans: Sequence[Plan]) -> Heard:
        """The recordings, each read once."""
        return read(dataset)

    def scores(
        self, answered: Answered, dataset: Dataset[Any], names: tuple[str, ...]
    ) -> Transcribed:
        rows = np.asarray(answered.rows, np.int64).tolist()
        targets = dataset.targets
        return Transcribed(
            tuple(answered.answers),
            tuple(targets.words(row) for row in rows),
            tuple(targets.speakers[row] for row in rows),
            answered.seconds,
            answered.broken,
        )

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Transcript:
        return Transcript(name, answer=answer)

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        """The words as regions in time, as Clarifai has them: seconds, and a concept each."""
        words = [word for word in answer.words if word.confidence >= wanted.least][: wanted.most]
        return {
            "text": {"raw": answer.text},
            "regions": [
                {
                    "time_segment": {"begin": round(word.begin, 3), "end": round(word.end, 3)},
                    "data": {"concepts": [
                        {"id": word.text, "name": word.text, "value": round(word.confidence, 4)}
                    ]},
                }
                for word in words
            ],
        }  # fmt: skip

    def explained(
        self, predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
    ) -> Explained:
        from striate.tasks.speech.features import spectra
        from striate.tasks.speech.looking import occlusion
        from striate.tasks.speech.pictures import spectrogram

        assert isinstance(predictor, Recognizing)
        frames = spectra(data, predictor.filters)
        found = occlusion(predictor, frames, name)
        plane = np.repeat(spectrogram(frames)[:, :, None], 3, 2)
        return Explained(
            found.name, found.probability, plane, (0.0, 0.0, 1.0, 1.0), found.lost[::-1]
        )

    def explains(self, predictor: Predictor) -> bool:
        return isinstance(predictor, NetworkRecognizer)

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        from striate.tasks.speech.features import spectra
        from striate.tasks.speech.looking import BANDS, FRAMES, occlusion
        from striate.tasks.speech.pictures import explained, facts
        from striate.visualize.explaining import Explanation

        self.no_place(at)
        if method != "occlusion":
            raise UserError(f"--method {method}: recordings are explained by occlusion alone")
        if not item:
            raise UserError("give a recording, as in: striate explain MODEL call.wav")
        assert isinstance(predictor, Recognizing)
        frames = spectra(item, predictor.filters)
        found = occlusion(predictor, frames, name)
        about = facts(found, predictor.language.step, FRAMES, BANDS)
        return Explanation(explained(frames, found), about)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> "ExportedSpeech":
        from striate.tasks.speech.exported import ExportedSpeech

        return ExportedSpeech(runtime, header)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.speech.report import sections

        return sections(comparison)
