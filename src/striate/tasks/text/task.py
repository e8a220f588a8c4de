"""One class a text."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from striate.data import Dataset, ReadTexts, read_texts
from striate.data.texts import SUFFIXES
from striate.inference.walking import Given
from striate.tasks.contract import Method, Plan, Predictor, Section, Tell
from striate.tasks.labels.task import OneClass
from striate.tasks.text.bag import Bag
from striate.tasks.text.exported import ExportedText
from striate.tasks.text.inputs import given
from striate.tasks.text.network import Network

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime


class Text(OneClass):
    """Which class a text belongs to."""

    name = "text"
    title = "which class a text belongs to"
    thing = "text"
    compared = ("bow", "cnn-static", "cnn-rand", "cnn-non-static")
    default = "cnn-non-static"
    ignores = frozenset(
        ("balance", "augmentation", "label_smoothing", "kept_rate", "momentum", "nesterov", "clip",
         "schedule", "steps", "warmup", "decayed", "freeze_statistics", "parts", "precision")
    )  # fmt: skip
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"lines"})}
    suffixes = SUFFIXES
    package = "striate.tasks.text"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.text.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Bag, Network)}

    def prepare(self, dataset: Dataset[Any], plans: Sequence[Plan]) -> ReadTexts:
        """The texts, each read once."""
        return read_texts(dataset)

    @property
    def explanations(self) -> Mapping[str, Tell]:
        from striate.tasks.text.telling import EXPLANATIONS

        return EXPLANATIONS

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.text.sections import sections

        return sections(comparison)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> ExportedText:
        return ExportedText(runtime, header, names)

    def given(self, places: Sequence[str], options: Mapping[str, Any]) -> Given:
        return given(places, lines=bool(options.get("lines")))
