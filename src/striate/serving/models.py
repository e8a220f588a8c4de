"""The models of a service: loaded, answering, and exchanged when their file changes."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from striate.errors import StriateError, UserError
from striate.recognizer import Recognizer, load
from striate.serving.batching import Batcher
from striate.serving.costs import Cost, cost_of
from striate.serving.names import languages
from striate.serving.refusals import NO_SUCH_MODEL, Refused
from striate.serving.settings import Settings
from striate.tasks.contract import Output, Predictor, Task

log = logging.getLogger("striate.serving")

Observe = Callable[[str, int, float], None]


@dataclass(eq=False)
class Served:
    """A model that is loaded, with a thread of its own.

    Attributes:
        version: 8 hexadecimal digits of the file's hash.
        languages: by language, class to name.
        batcher: prepared inputs to answers.
        cost: bytes that its pictures and answers take.
        users: calls that have begun with it and not ended.
    """

    name: str
    path: Path
    recognizer: Recognizer
    version: str
    languages: dict[str, dict[str, str]]
    batcher: Batcher[Any, Any]
    cost: Cost
    users: int = 0
    retired: bool = False

    @property
    def task(self) -> Task:
        """What is asked of it."""
        return self.recognizer.task

    @property
    def predictor(self) -> Predictor:
        """What answers."""
        return self.recognizer.predictor

    @property
    def classes(self) -> tuple[str, ...]:
        """Names, in the order of their numbers."""
        return self.recognizer.names

    @property
    def outputs(self) -> dict[str, Output]:
        """What Open Inference calls give, by name."""
        return {each.name: each for each in self.task.outputs(self.classes)}

    @property
    def explains(self) -> bool:
        """Whether it can show where in a picture an answer comes from."""
        return self.task.explains(self.predictor)

    @property
    def refuses(self) -> bool:
        """Whether it can say that a picture is none of the classes."""
        return self.task.refuses(self.predictor)


Stamp = tuple[tuple[str, int, int, int], ...]


def stamp_of(path: Path) -> Stamp:
    """What changes when a model or one of its files of names does.

    Raises:
        OSError: if the model's file is not there.
    """
    path.stat()
    beside = [path, path.with_suffix(".bin"), *sorted(path.parent.glob(f"{path.stem}.names.*"))]
    found = []
    for each in beside:
        try:
            status = each.stat()
        except FileNotFoundError:
            continue
        found.append((each.name, status.st_size, status.st_mtime_ns, status.st_ino))
    return tuple(found)


def version_of(path: Path) -> str:
    """8 hexadecimal digits of what the model's file holds, its .bin included."""
    digest = hashlib.sha256()
    for each in (path, path.with_suffix(".bin")):
        if each.is_file():
            with each.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:8]


class Shelf:
    """The models by name; a call borrows one and ends with the one it began with.

    Raises:
        WeightsError, UserError: if one cannot be loaded, or two have one name.
    """

    def __init__(self, settings: Settings, observe: Observe):
        self.settings, self.observe = settings, observe
        self._lock, self._looking, self._open = threading.Lock(), threading.Lock(), True
        self._served: dict[str, Served] = {}
        self._stamps: dict[str, Stamp] = {}
        self._seen: dict[str, Stamp] = {}
        try:
            for text in settings.models:
                path = Path(text)
                if path.stem in self._served:
                    raise UserError(f"two models are called {path.stem!r}; rename one of the files")
                self._served[path.stem] = self.load(path)
                self._stamps[path.stem] = stamp_of(path)
        except BaseException:
            self.close()
            raise

    def load(self, path: Path) -> Served:
        """A model with its thread; it has answered once, so that nobody waits for its first time.

        Raises:
            WeightsError: if there is no such recognizer, or its weights are not finite.
        """
        recognizer = load(path, engine=self.settings.engine, device=self.settings.device)
        words = languages(path, recognizer.names)
        name, settings, predictor = path.stem, self.settings, recognizer.predictor
        blank = predictor.rehearsed()
        for _ in range(2):  # the first time is slow
            predictor.predict([blank])
        numbers = sum(abs(prod(each.shape)) for each in recognizer.task.outputs(recognizer.names))
        every = [*recognizer.names, *(n for each in words.values() for n in each.values())]
        batcher: Batcher[Any, Any] = Batcher(
            predictor.predict,
            largest=min(settings.batch, predictor.largest_batch or settings.batch),
            window=settings.window,
            capacity=settings.queue,
            observe=lambda count, seconds: self.observe(name, count, seconds),
        )
        cost = cost_of(predictor, every, numbers)
        return Served(name, path, recognizer, version_of(path), words, batcher, cost)

    def __iter__(self) -> Iterator[Served]:
        return iter(list(self._served.values()))

    @contextmanager
    def borrow(self, name: str) -> Iterator[Served]:
        """The model of that name, which goes on answering until the block ends.

        Raises:
            Refused: 404, if there is none.
        """
        with self._lock:
            served = self._served.get(name)
            if served is None:
                raise Refused(404, NO_SUCH_MODEL)
            served.users += 1
        try:
            yield served
        finally:
            with self._lock:
                served.users -= 1
                last = served.retired and served.users == 0
            if last:
                served.batcher.close()

    def look(self) -> None:
        """Exchanges the models whose files have changed, and are as at the last look.

        A file that cannot be loaded changes nothing; the log says why.
        """
        with self._looking:
            if self._open:
                self._look()

    def _look(self) -> None:
        for name, old in list(self._served.items()):
            try:
                stamp = stamp_of(old.path)
            except OSError:
                continue  # gone; what was loaded goes on
            settled = self._seen.get(name) == stamp
            self._seen[name] = stamp
            if stamp == self._stamps[name] or not settled:
                continue
            self._stamps[name] = stamp
            try:
                new = self.load(old.path)
            except (StriateError, OSError, ValueError) as error:
                log.error("model %s: the new file is not taken: %s", name, error)
                continue
            self._exchange(name, new)
            log.info("model %s: version %s takes the place of %s", name, new.version, old.version)

    def _exchange(self, name: str, new: Served) -> None:
        with self._lock:
            old, self._served[name] = self._served[name], new
            old.retired = True
            idle = old.users == 0
        if idle:
            old.batcher.close()

    def close(self) -> None:
        """Ends every thread, after what was asked is answered."""
        with self._looking:  # a model that is just being exchanged, too
            self._open = False
            for served in self:
                served.batcher.close()
