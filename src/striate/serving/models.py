"""The models of a service: loaded, answering, and exchanged when their file changes."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate import images
from striate.errors import StriateError, UserError
from striate.images.decoding import Picture, decode_at, header
from striate.recognizer import Exported, Recognizer, load
from striate.serving.batching import Batcher
from striate.serving.names import languages
from striate.serving.refusals import NO_SUCH_MODEL, Refused
from striate.serving.settings import Settings

log = logging.getLogger("striate.serving")

Prepared = NDArray[np.uint8] | Picture
Observe = Callable[[str, int, float], None]


class Answer(NamedTuple):
    """Calibrated probabilities (classes,), and whether the picture is one of the classes."""

    probabilities: NDArray[np.float32]
    known: bool


@dataclass(eq=False)
class Served:
    """A model that is loaded, with a thread of its own.

    Attributes:
        version: 8 hexadecimal digits of the file's hash.
        languages: by language, class to name.
        users: calls that have begun with it and not ended.
    """

    name: str
    path: Path
    recognizer: Recognizer | Exported
    version: str
    languages: dict[str, dict[str, str]]
    batcher: Batcher[Prepared, Answer]
    users: int = 0
    retired: bool = False
    classes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.classes = self.recognizer.classes
        self.view = self.recognizer.preprocessing.view

    @property
    def explains(self) -> bool:
        """Whether it has layers to look into."""
        return isinstance(self.recognizer, Recognizer)

    @property
    def refuses(self) -> bool:
        """Whether it can say that a picture is none of the classes."""
        if isinstance(self.recognizer, Exported):
            return True  # the test is in its graph
        return self.recognizer.familiarity is not None or self.recognizer.calibration.threshold > 0

    def prepare(self, data: bytes) -> Prepared:
        """What the model takes of a picture's file.

        Raises:
            ImageError: if it cannot be read; the text is the reason.
        """
        if isinstance(self.recognizer, Recognizer):
            return images.render(data, [self.view])[0]
        return decode_at(data, self.view.scale(header(data)))

    def prepare_pixels(self, pixels: NDArray[np.uint8]) -> Prepared:
        """What the model takes of pixels (H, W, 3) uint8."""
        if isinstance(self.recognizer, Recognizer):
            return images.apply(pixels, self.view)
        return Picture(pixels, (0, 0, pixels.shape[1], pixels.shape[0]))


def answering(recognizer: Recognizer | Exported) -> Callable[[list[Any]], Sequence[Answer]]:
    """What computes a batch of `Prepared`."""
    if isinstance(recognizer, Recognizer):

        def together(batch: list[NDArray[np.uint8]]) -> Sequence[Answer]:
            shares, known = recognizer.answers(np.stack(batch), batch_size=len(batch))
            return [Answer(p, bool(k)) for p, k in zip(shares, known, strict=True)]

        return together
    return lambda batch: [Answer(*recognizer.answer(picture)) for picture in batch]


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
            WeightsError: if there is no such recognizer.
        """
        recognizer = load(path, engine=self.settings.engine)
        names = languages(path, recognizer.classes)
        name, settings = path.stem, self.settings
        batcher: Batcher[Prepared, Answer] = Batcher(
            answering(recognizer),
            largest=settings.batch,
            window=settings.window,
            capacity=settings.queue,
            observe=lambda count, seconds: self.observe(name, count, seconds),
        )
        served = Served(name, path, recognizer, version_of(path), names, batcher)
        try:
            side = served.view.size
            blank = served.prepare_pixels(np.zeros((side, side, 3), np.uint8))
            future = batcher.promise()[0]
            batcher.ask(blank, float("inf"), future)
            future.result()
        except BaseException:
            batcher.close()
            raise
        return served

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
