"""Questions about pictures: one answer each."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from striate.data import Dataset, Reader
from striate.data.question_files import (
    is_daquar,
    is_question_table,
    is_vqa,
    open_daquar,
    open_question_table,
    open_vqa,
)
from striate.data.questions import Answers, ReadQuestions, read_questions, sound_question
from striate.errors import InputError, UserError
from striate.evaluation.wordnet import find_wordnet
from striate.images import SUFFIXES
from striate.inference.walking import Given
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
from striate.tasks.questions.answers import Answer, Prediction
from striate.tasks.questions.bag import Bag
from striate.tasks.questions.choosing import Chooser
from striate.tasks.questions.inputs import TABLES, given
from striate.tasks.questions.learning import asked_of
from striate.tasks.questions.neurons import Neurons
from striate.tasks.questions.scores import VQA, QuestionScores, scored
from striate.tasks.questions.several import Several
from striate.tasks.questions.starts import Starts

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.tasks.questions.exported import ExportedQuestions
    from striate.visualize.explaining import Explanation


def _reader(name: str, matches: Any, opens: Any) -> Reader:
    return Reader(name, "answers", matches, opens, thing="question")


class QuestionsTask(Task):
    """What is the answer to a question about a picture?"""

    name = "questions"
    title = "what is answered to a question about a picture"
    thing = "question"
    reads = ("answers",)
    readers = (
        _reader(
            "a table of images, questions and answers (.tsv, .csv)",
            is_question_table,
            open_question_table,
        ),
        _reader("DAQUAR (.txt)", is_daquar, open_daquar),
        _reader("VQA (questions and annotations, .json)", is_vqa, open_vqa),
    )
    score = "accuracy"
    score_title = "accuracy"
    points = "points of accuracy"
    columns = (Column("WUPS@0.9", "wups_0.9"), Column("WUPS@0.0", "wups_0.0"))
    compared = ("prior", "start", "bow", "blind", "bow-image", "neurons")
    default = "neurons"
    ignores = frozenset(("balance", "augmentation", "freeze_statistics"))
    prediction = Prediction
    options: ClassVar[Mapping[str, frozenset[str]]] = {
        "predict": frozenset({"question"}),
        "explain": frozenset({"question"}),
    }
    top = 1
    suffixes = SUFFIXES
    beside = frozenset((".txt",))
    tables = frozenset(TABLES)
    package = "striate.tasks.questions"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.questions.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Starts, Bag, Neurons, Several)}

    def columns_for(self, dataset: Dataset[Answers]) -> tuple[Column, ...]:
        several = any(len(some) > 1 for some in dataset.targets.people)
        return (*self.columns, *((Column("VQA accuracy", VQA),) if several else ()))

    def prepare(self, dataset: Dataset[Answers], plans: Sequence[Plan]) -> ReadQuestions:
        """The pictures, each decoded once however often it is asked about."""
        return read_questions(
            dataset, [view for plan in plans for view in plan.method.views(dataset, plan.ask)]
        )

    def answered(self, predictor: Predictor, data: Any, rows: Sequence[int]) -> Answered:
        if isinstance(predictor, Starts | Chooser | Several):
            seen = predictor.preprocessing
            if seen is None or seen.view in data.pixels:
                some = asked_of(data, rows, predictor)
                start = time.perf_counter()
                answers = predictor.predict(some) if some else []
                seconds = (time.perf_counter() - start) / max(1, len(some))
                return Answered(tuple(rows), answers, seconds)
        return super().answered(predictor, data, rows)

    def scores(
        self, answered: Answered, dataset: Dataset[Answers], names: tuple[str, ...]
    ) -> QuestionScores:
        return scored(answered, dataset, find_wordnet())

    def predicted(self, name: str, answer: Answer, names: tuple[str, ...]) -> Prediction:
        return Prediction(name, answer=answer)

    def given(self, places: Sequence[str], options: Mapping[str, Any]) -> Given:
        return given(places, options.get("question"))

    def joined(
        self, files: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Sequence[tuple[str, Any]]:
        """A picture, and the question in the text beside it unless --question asks one."""
        texts = [field for field in files if f".{field}".endswith(tuple(self.beside))]
        pictures = [field for field in files if field not in texts]
        if not pictures:
            return []
        asked = options.get("question") or next((files[field] for field in texts), None)
        if asked is None:
            raise InputError("no question: there is no .txt of the same key, and no --question")
        return [(field, (files[field], asked)) for field in pictures]

    def answering(self, predictor: Predictor, options: Mapping[str, Any]) -> Predictor:
        """With `question`, the predictor asks that of every picture that comes alone."""
        question = options.get("question")
        if question is None or not isinstance(predictor, Chooser):
            return predictor
        try:
            return predictor.about(sound_question(question))
        except InputError as error:
            raise UserError(f"--question: {error}") from error

    def response(self, answer: Answer, names: tuple[str, ...], wanted: Wanted) -> dict[str, Any]:
        """`{"text": {"raw": the best answer}, "concepts", "looked", "unknown_words"}`."""
        concepts = [
            {"id": one.text, "name": one.text, "value": one.probability, "app_id": "striate"}
            for one in answer.said[: wanted.most]
            if one.probability >= wanted.least
        ]
        return {
            "text": {"raw": answer.text},
            "concepts": concepts,
            "looked": answer.looked,
            "unknown_words": list(answer.unknown),
        }

    def explains(self, predictor: Predictor) -> bool:
        return isinstance(predictor, Chooser) and predictor.eye is not None

    def explained(
        self, predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
    ) -> Explained:
        from striate.tasks.questions.explaining import explain

        return explain(predictor, data, name)

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        from striate.tasks.questions.explaining import page
        from striate.visualize.explaining import Explanation

        self.no_place(at)
        if method != "occlusion":
            raise UserError(f"--method {method}: answers are explained by occlusion alone")
        drawn, facts = page(predictor, item, name)
        return Explanation(drawn, facts)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        from striate.tasks.questions import card

        return card.sections(recognizer.predictor)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> "ExportedQuestions":
        from striate.tasks.questions.exported import ExportedQuestions

        return ExportedQuestions(runtime, header)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.questions.sections import sections

        return sections(comparison)
