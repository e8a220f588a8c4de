"""Progress on stderr: bars on a terminal, else lines for every stage that takes a while."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from striate import progress
from striate.progress import duration

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

WORTH_A_LINE = 60.0  # seconds: a log hears of a stage so often, and of quicker ones nothing


def first() -> bool:
    """Whether this process tells: of those that torchrun started together the first one does."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def showing() -> Iterator[None]:
    """Inside the block, the library's stages are shown."""
    with ExitStack() as stack:
        if not first():
            yield
            return
        reporter: progress.Reporter = Lines()
        if sys.stderr.isatty():
            bars = Bars(new_progress())
            stack.callback(bars.close)
            reporter = bars
        stack.enter_context(progress.reporting(reporter))
        yield


@contextmanager
def live_table(begun: "Table") -> Iterator[Callable[["Table"], None]]:
    """Inside the block, a table stands above the bars; what is yielded puts another in its place.

    Where stderr is no terminal, nothing stands there.
    """
    if not sys.stderr.isatty() or not first():
        yield lambda table: None
        return
    above: list[Table] = [begun]
    bars = new_progress(above)
    with bars, progress.reporting(Bars(bars, standing=True)):
        yield lambda table: above.__setitem__(0, table)


def say(line: str) -> None:
    """One line to a log; a terminal shows it otherwise."""
    if not sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)


def new_progress(above: "Sequence[Table]" = ()) -> "Progress":
    """Bars with count, time left and note; gone when the work is done."""
    from rich.console import Console, RenderableType
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Stack(Progress):
        def get_renderables(self) -> Iterable[RenderableType]:
            yield from above
            yield from super().get_renderables()

    return Stack(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=Console(stderr=True),
        transient=True,
        # What is printed while bars stand goes above them, if both are on one screen.
        redirect_stdout=sys.stdout.isatty(),
    )


class Bars:
    """A bar for each open stage; they stand while at least one is open, or always."""

    def __init__(self, bars: "Progress", *, standing: bool = False):
        self.bars = bars
        self.open = int(standing)

    @contextmanager
    def stage(self, name: str, total: int | None) -> Iterator[progress.Stage]:
        if not self.open:
            self.bars.start()
        self.open += 1
        task = self.bars.add_task(name, total=total, note="")
        try:
            yield Bar(self.bars, task)
        finally:
            self.bars.refresh()  # the last word of a stage that was quick
            self.bars.remove_task(task)
            self.open -= 1
            if not self.open:
                self.bars.stop()

    def close(self) -> None:
        """Gives the terminal back, whatever happened."""
        self.bars.stop()


class Bar:
    """One stage on the screen."""

    def __init__(self, bars: "Progress", task: "TaskID"):
        self.bars, self.task = bars, task

    def advance(self, steps: int = 1, note: str = "") -> None:
        if note:
            self.bars.update(self.task, advance=steps, note=note)
        else:
            self.bars.advance(self.task, steps)


class Lines:
    """What a log file gets: how far a stage is once it has taken a while, then now and then, and
    when it ends; of quick ones nothing."""

    def __init__(self) -> None:
        self.open: list[Line] = []

    def stage(self, name: str, total: int | None) -> AbstractContextManager[progress.Stage]:
        return self._stage(name, total)

    @contextmanager
    def _stage(self, name: str, total: int | None) -> Iterator[progress.Stage]:
        line = Line(name, total, tuple(self.open))
        self.open.append(line)
        try:
            yield line
        finally:
            self.open.remove(line)
        if line.seconds >= WORTH_A_LINE:
            line.tell(f"{line.done:,} in {duration(line.seconds)}")


class Line:
    """One stage in a log.

    Args:
        inside: the stages that it is a part of; where those have a note, it stands in front.
    """

    def __init__(self, name: str, total: int | None, inside: "Sequence[Line]"):
        self.name, self.total, self.inside = name, total, inside
        self.done, self.note = 0, ""
        self.start = time.monotonic()
        self.due = self.start + WORTH_A_LINE

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        self.note = note or self.note
        if time.monotonic() < self.due or self.done == self.total:
            return
        self.due = time.monotonic() + WORTH_A_LINE
        text = f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"
        if self.total is not None and self.done:
            left = self.seconds / self.done * (self.total - self.done)
            text += f", about {duration(left)} left"
        self.tell(text)

    def tell(self, how_far: str) -> None:
        """Prints a line: what it is a part of, how far it is, and its note."""
        words = [each.note for each in self.inside if each.note] + [self.name]
        note = f" ({self.note})" if self.note else ""
        print(f"{': '.join(words)}: {how_far}{note}", file=sys.stderr, flush=True)
