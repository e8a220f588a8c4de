"""One class an image, or none of these."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from striate.data import Dataset, Decoded
from striate.tasks.classification.exported import Exported
from striate.tasks.classification.network import Network
from striate.tasks.classification.predictor import Classifier
from striate.tasks.classification.visual_words import VisualWords
from striate.tasks.classification.windows import OPTIONS, Windowed, Windows
from striate.tasks.contract import (
    Answered,
    Explained,
    Method,
    Predictor,
    Published,
    Scores,
    Section,
)
from striate.tasks.labels.task import OneClass
from striate.tasks.pictures.predictor import answered

if TYPE_CHECKING:
    from striate.inference.runtimes import Runtime
    from striate.visualize.explaining import Explanation


class Classification(OneClass):
    """Which class a picture belongs to."""

    name = "classification"
    title = "which class a picture belongs to"
    compared = ("handcrafted", "transfer", "scratch", "finetune")
    default = "scratch"
    options: ClassVar[Mapping[str, frozenset[str]]] = {
        "predict": OPTIONS,
        "evaluate": OPTIONS | {"ensemble", "tree"},
    }
    package = "striate.tasks.classification"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.classification.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {kind.kind: kind for kind in (Network, VisualWords)}

    @property
    def published(self) -> Mapping[str, Callable[[], Published]]:
        from striate.tasks.classification.published import published

        return published()

    def answered(self, predictor: Predictor, data: Decoded, rows: Sequence[int]) -> Answered:
        known = None
        if isinstance(predictor, Classifier):
            known = answered(predictor, data, rows)
        return known or super().answered(predictor, data, rows)

    def answering(self, predictor: Predictor, options: Mapping[str, Any]) -> Predictor:
        which = Windows.of(options)
        return predictor if which.plain else Windowed(predictor, which)

    def evaluated(
        self, recognizers: Mapping[str, Any], dataset: Dataset[Any], rows: Sequence[int],
        options: Mapping[str, Any], *, batch_size: int = 64,
    ) -> Mapping[str, Scores]:  # fmt: skip
        from striate.tasks.classification.evaluating import evaluated

        return evaluated(recognizers, dataset, rows, options, batch_size=batch_size)

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.classification.report import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        from striate.tasks.classification.card import sections

        return sections(recognizer)

    def refuses(self, predictor: Predictor) -> bool:
        if isinstance(predictor, Classifier):
            return predictor.refuses
        return True  # the test is in an export's graph

    def explains(self, predictor: Predictor) -> bool:
        return isinstance(predictor, Classifier)

    def explained(
        self, predictor: Predictor, names: tuple[str, ...], data: bytes, name: str | None
    ) -> Explained:
        from striate.tasks.pictures.hiding import explain

        return explain(predictor, names, data, name)

    def explanation(
        self, predictor: Predictor, names: tuple[str, ...], item: str, name: str | None,
        method: str, at: tuple[float, ...] = (),
    ) -> "Explanation | None":  # fmt: skip
        """Of what has no feature maps, which the methods for pictures read, hiding alone."""
        from striate.tasks.pictures.hiding import mapped, page

        if method == "occlusion" and item and isinstance(predictor, Classifier):
            self.no_place(at)
            if not mapped(predictor.model):
                return page(predictor, names, item, name)
        return super().explanation(predictor, names, item, name, method, at)

    def exported(
        self, runtime: "Runtime", header: dict[str, Any], names: tuple[str, ...]
    ) -> Exported:
        return Exported(runtime, header, names)
