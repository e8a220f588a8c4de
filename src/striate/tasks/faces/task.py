"""Faces: whether two pictures show the same person."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from striate.data import Dataset
from striate.data.people import People
from striate.data.people_files import table_of_pairs
from striate.errors import DataError, InputError, UserError
from striate.images import SUFFIXES
from striate.inference.reading import Named
from striate.inference.walking import Given, files_of
from striate.tasks.contract import (
    Answered,
    Column,
    Method,
    Plan,
    Predictor,
    Scores,
    Section,
    Task,
    Wanted,
)
from striate.tasks.faces import card
from striate.tasks.faces.answers import Embedding, Identity, Match, Verdict
from striate.tasks.faces.gallery import gallery_of
from striate.tasks.faces.predictor import Marked, Matcher
from striate.tasks.faces.prepared import Lined, lined
from striate.tasks.faces.scores import PairScores, scored

LISTS = (".csv", ".tsv", ".txt")


class Faces(Task):
    """Two pictures, one person or two?"""

    name: ClassVar[str] = "faces"
    title: ClassVar[str] = "whether two pictures show the same person"
    reads: ClassVar[tuple[str, ...]] = ("people",)
    together: ClassVar[int] = 2
    score: ClassVar[str] = "accuracy"
    score_title: ClassVar[str] = "accuracy"
    points: ClassVar[str] = "points of accuracy on pairs"
    columns: ClassVar[tuple[Column, ...]] = (
        Column("area under the curve", "auc"),
        Column("equal error rate", "eer"),
        Column("TAR at FAR 1 %", "tar@far=0.01"),
    )
    compared: ClassVar[tuple[str, ...]] = ("lbp", "sift", "transfer", "deepface", "finetune")
    default: ClassVar[str] = "sift"
    ignores: ClassVar[frozenset[str]] = frozenset(("balance",))
    prediction: ClassVar[type[Verdict]] = Verdict
    options: ClassVar[Mapping[str, frozenset[str]]] = {"predict": frozenset({"gallery"})}
    tables: ClassVar[frozenset[str]] = frozenset(LISTS)
    package: ClassVar[str] = "striate.tasks.faces"

    @property
    def methods(self) -> Mapping[str, Method]:
        from striate.tasks.faces.methods import METHODS

        return METHODS

    @property
    def predictors(self) -> Mapping[str, type[Predictor]]:
        return {Matcher.kind: Matcher}

    def sound(self, dataset: Dataset[People]) -> Dataset[People]:
        dataset = super().sound(dataset)
        for part, title in enumerate(("train", "validation")):
            pairs = dataset.targets.pairs(np.flatnonzero(dataset.split == part))
            if not len(pairs) or pairs.same.all() or not pairs.same.any():
                raise DataError(
                    f"{dataset.name}: the {title} split has {int(pairs.same.sum())} pairs of one "
                    f"person and {int((~pairs.same).sum())} of two; both are needed"
                )
        return dataset

    def prepare(self, dataset: Dataset[Any], plans: Sequence[Plan]) -> Lined:
        """The faces, each found once."""
        return lined(dataset)

    def answered(self, predictor: Predictor, data: Any, rows: Sequence[int]) -> Answered:
        if not isinstance(predictor, Matcher):
            return super().answered(predictor, data, rows)
        start = time.perf_counter()
        answers = predictor.predict(list(data.faces[list(rows)]))
        seconds = (time.perf_counter() - start) / max(1, len(answers))
        return Answered(tuple(rows), answers, seconds)

    def evaluated(
        self,
        recognizers: Mapping[str, Any],
        dataset: Dataset[People],
        rows: Sequence[int],
        options: Mapping[str, Any],
        *,
        batch_size: int = 64,
    ) -> Mapping[str, Scores]:
        """Where eyes or boxes are given with the set, faces are lined up by them."""
        if dataset.targets.eyes is not None or dataset.targets.boxes is not None:
            paths = {os.fspath(path): row for row in rows
                     if (path := dataset.inputs.path(row)) is not None}  # fmt: skip
            recognizers = {
                name: replace(one, predictor=Marked(one.predictor, dataset.targets, paths))
                if isinstance(one.predictor, Matcher)
                else one
                for name, one in recognizers.items()
            }
        return super().evaluated(recognizers, dataset, rows, options, batch_size=batch_size)

    def scores(
        self, answered: Answered, dataset: Dataset[People], names: tuple[str, ...]
    ) -> PairScores:
        return scored(answered, dataset)

    def predicted(self, name: str, answer: Match | Identity, names: tuple[str, ...]) -> Verdict:
        return Verdict(name, answer=answer)

    def response(
        self, answer: Match | Embedding, names: tuple[str, ...], wanted: Wanted
    ) -> dict[str, Any]:
        """`{"match": {"same", "probability", "similarity"}}` of two pictures."""
        assert isinstance(answer, Match)
        return {"match": asdict(answer)}

    def sections(self, comparison: Any) -> Iterable[Section]:
        from striate.tasks.faces.sections import sections

        return sections(comparison)

    def card(self, recognizer: Any) -> Mapping[str, Sequence[str]]:
        return card.sections(recognizer.predictor, recognizer.provenance)

    def given(self, places: Sequence[str], options: Mapping[str, Any]) -> Given:
        """Two pictures, lists of pairs, or, with a gallery or for features, any number of pictures.

        Raises:
            UserError: if it is none of these.
        """
        if options.get("gallery") or options.get("features"):
            return files_of(places, SUFFIXES)
        lists = [place for place in places if place.lower().endswith(LISTS)]
        if lists and len(lists) == len(places):
            pairs = [pair for place in lists for pair in table_of_pairs(Path(place))]
            named = [Named(f"{a} | {b}", (a, b)) for a, b in pairs]
            return Given(len(named), named)
        if len(places) != 2 or any(Path(place).is_dir() for place in places):
            raise UserError(
                f"{', '.join(places)}: give two pictures, or a list of pairs (a,b), or pictures "
                "and --gallery FOLDER to ask who is in them"
            )
        first, second = places
        return Given(1, [Named(f"{first} | {second}", (first, second))])

    def joined(
        self, files: Mapping[str, Any], options: Mapping[str, Any]
    ) -> Sequence[tuple[str, Any]]:
        """Two pictures of one key are a pair; with a gallery or for features, each is one."""
        if options.get("gallery") or options.get("features"):
            return [(field, files[field]) for field in files]
        if len(files) != 2:
            raise InputError(
                f"two pictures of one key are compared, not {len(files)}; --gallery FOLDER asks "
                "who is in them"
            )
        return [("", tuple(files.values()))]

    def answering(self, predictor: Predictor, options: Mapping[str, Any]) -> Predictor:
        if not options.get("gallery"):
            return predictor
        if not isinstance(predictor, Matcher):
            raise UserError("--gallery: an export compares two pictures; give the recognizer")
        return gallery_of(predictor, Path(options["gallery"]))
