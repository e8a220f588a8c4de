"""The index of a service: opened, searched in batches, and opened again when it changes."""

import logging
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from striate.errors import StriateError
from striate.recognizer import Recognizer
from striate.retrieval import Expansion, Hits, Index, Searcher
from striate.retrieval.index import HEADER
from striate.retrieval.whitening import finished
from striate.serving.account import Share
from striate.serving.batching import Batcher
from striate.serving.calls import Call
from striate.serving.costs import cost_of
from striate.serving.metrics import Metrics
from striate.serving.models import Served
from striate.serving.settings import Settings
from striate.serving.shapes import OutputConfig
from striate.serving.workers import Workers
from striate.tasks.contract import Input, Predictor

log = logging.getLogger("striate.serving")

SAME = ("model", "content", "description", "dimensions", "whitened", "pictures")


class Describing(Predictor):
    """Pictures to the vectors (D,) that an index compares."""

    kind: ClassVar[str] = "description"

    def __init__(self, searcher: Searcher):
        self.searcher, inner = searcher, searcher.recognizer.predictor
        self.size, self.largest_batch = searcher.describer.side, inner.largest_batch

    @property
    def parameters(self) -> int:
        return self.searcher.recognizer.predictor.parameters

    def prepare(self, item: Input) -> NDArray[np.uint8]:
        return self.searcher.describer.prepare(item)

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        vectors = self.searcher.describer.vectors(batch)
        return list(finished(vectors, self.searcher.index.whitening).numpy())

    def tensors(self) -> dict[str, Tensor]:
        return self.searcher.recognizer.predictor.tensors()

    def header(self) -> dict[str, Any]:
        return self.searcher.index.header.to_json()

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> "Describing":
        raise ValueError("it belongs to an index, which is a folder of its own")


class Shown:
    """The index that a service shows, with a thread that describes pictures.

    Raises:
        DataError, UserError: if the index or its network is not to be had.
    """

    def __init__(self, path: str, settings: Settings, metrics: Metrics):
        self.settings = settings
        self.searcher = Searcher(Index(path), device=settings.device)
        predictor, self.name = Describing(self.searcher), Path(path).stem
        blank = predictor.rehearsed()
        for _ in range(2):  # the first time is slow
            predictor.predict([blank])
        batcher: Batcher[Any, Any] = Batcher(
            predictor.predict,
            largest=min(settings.batch, predictor.largest_batch or settings.batch),
            window=settings.window,
            capacity=settings.queue,
            observe=lambda count, seconds: metrics.batch(self.name, count, seconds),
        )
        recognizer = Recognizer(self.searcher.recognizer.task, predictor)
        cost = cost_of(predictor, ["x" * self.index.names.longest], self.index.header.dimensions)
        self.served = Served(self.name, Path(path), recognizer, "", {}, batcher, cost)
        self._stamp = self._stamped()

    @property
    def index(self) -> Index:
        """As it is now; another one may take its place."""
        return self.searcher.index

    def _stamped(self) -> tuple[int, int]:
        status = (self.index.path / HEADER).stat()
        return status.st_mtime_ns, status.st_ino

    def look(self) -> None:
        """Opens the index again if it has changed; one that does not fit changes nothing, and the
        log says why."""
        try:
            stamp = self._stamped()
            if stamp == self._stamp:
                return
            self._stamp, new = stamp, Index(self.index.path)
        except (OSError, StriateError) as error:
            log.error("index %s: it is not taken: %s", self.name, error)
            return
        if any(getattr(new.header, each) != getattr(self.index.header, each) for each in SAME):
            log.error("index %s: it was made in another way; start the service anew", self.name)
            return
        self.searcher.index = new
        log.info("index %s: %s pictures now", self.name, f"{len(new):,}")

    @contextmanager
    def call(
        self, config: OutputConfig, workers: Workers, caller: Hashable, share: Share
    ) -> Iterator[Call]:
        """A call in which pictures are described."""
        deadline = time.monotonic() + self.settings.deadline
        limits = self.settings.limits
        with Call(self.served, config, deadline, workers, limits, caller, share) as call:
            yield call

    def search(
        self, names: Sequence[str], vectors: NDArray[np.float32], top: int, expand: int | None
    ) -> tuple[list[Hits], int]:
        """What is like each of them, and among how many pictures; in a thread."""
        index = self.index  # one and the same, whatever comes meanwhile
        expansion = Expansion(expand) if expand else None
        nearest = self.searcher.nearest(vectors, top, index=index, expansion=expansion)
        return list(self.searcher.hits(names, nearest, index=index)), len(index)

    def close(self) -> None:
        """Ends the thread, after what was asked is answered."""
        self.served.batcher.close()
