"""Progress on stderr: bars on a terminal, else one line for every stage that took a while."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from striate import progress

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

WORTH_A_LINE = 1.0  # seconds


@contextmanager
def showing() -> Iterator[None]:
    """Inside the block, the library's stages are shown."""
    with ExitStack() as stack:
        reporter: progress.Reporter = Lines()
        if sys.stderr.isatty():
            bars = Bars(new_progress())
            stack.callback(bars.close)
            reporter = bars
        stack.enter_context(progress.reporting(reporter))
        yield


@contextmanager
def live_table(first: "Table") -> Iterator[Callable[["Table"], None]]:
    """Inside the block, a table stands above the bars; what is yielded puts another in its place.

    Where stderr is no terminal, nothing stands there.
    """
    if not sys.stderr.isatty():
        yield lambda table: None
        return
    above: list[Table] = [first]
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
    """What a log file gets: the name, the count and the seconds of a stage when it ends."""

    def stage(self, name: str, total: int | None) -> AbstractContextManager[progress.Stage]:
        return self._stage(name)

    @contextmanager
    def _stage(self, name: str) -> Iterator[progress.Stage]:
        line, start = Line(), time.monotonic()
        yield line
        seconds = time.monotonic() - start
        if seconds >= WORTH_A_LINE:
            note = f", {line.note}" if line.note else ""
            print(f"{name}: {line.done} in {seconds:.1f} s{note}", file=sys.stderr, flush=True)


class Line:
    """One stage that is counted and not shown until it ends."""

    def __init__(self) -> None:
        self.done, self.note = 0, ""

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        self.note = note or self.note
