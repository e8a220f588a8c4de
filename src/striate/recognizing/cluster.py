"""Rows that are computed on a cluster, by Ray Data.

One task draws the inputs, in order; workers, each with the recognizer loaded once, answer whole
batches, the same that one process would compute; this process gets their rows in the order of the
inputs. Ray Data holds no more blocks than its budget of memory allows, so a task that draws faster
than the workers answer has to wait. Ray starts a worker that died anew and gives it the batch
again: rows go through this process once, so none is lost or doubled.
"""

import json
import logging
import os
import pickle
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from striate.errors import InputError, StriateError, UserError, one_line
from striate.inference.reading import Deferred, Named
from striate.recognizer import Recognizer, named
from striate.recognizing.connecting import started
from striate.recognizing.holding import Held, fetched
from striate.recognizing.rows import Row, row_of
from striate.recognizing.sources import Inputs

if TYPE_CHECKING:
    import pyarrow
    from ray import ObjectRef
    from ray.data import Dataset

WAITING = 2  # batches that a worker has, the one it computes among them
ALONE = (".safetensors", ".onnx")  # models that are one file
ENDING = 10.0  # seconds that threads have


@dataclass(frozen=True)
class Cluster:
    """Where rows are computed, and what each worker opens.

    Attributes:
        model: a file, which is sent to the workers, or the name of a network (`recognizer.named`).
        options: of `predict`, as the task has them (`Task.answering`).
        address: of a running cluster, HOST:PORT or "auto"; None for one of this machine's cores,
            which ends with the work.
        workers: how many, each on a core of its own; None for one on each core there is.
    """

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    address: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Sent(Deferred):
    """An input as a worker gets it."""

    item: Any

    def fetch(self) -> Any:
        """As `Deferred`."""
        return fetched(self.item)


@dataclass(frozen=True)
class Opened:
    """How a worker opens the recognizer.

    Attributes:
        data: the model's file, kept by the cluster; None where the name is enough.
        folder: that relative names are relative to.
    """

    model: str
    options: Mapping[str, Any]
    data: "ObjectRef[bytes] | None"
    folder: str

    def open(self) -> Recognizer:
        """The recognizer, from its file or by its name."""
        import ray

        enter(self.folder)
        if self.data is None:
            found = named(self.model)
        else:
            with tempfile.TemporaryDirectory() as place:
                path = Path(place, Path(self.model).name)
                path.write_bytes(ray.get(self.data))
                found = named(str(path))
        return replace(found, predictor=found.task.answering(found.predictor, self.options))


class Worker:
    """Answers batches, on one core."""

    def __init__(self, opened: Opened, top: int | None):
        import torch

        torch.set_num_threads(1)
        self._recognizer, self._top = opened.open(), top

    def __call__(self, table: "pyarrow.Table") -> dict[str, list[str]]:
        """Rows of a batch, as JSON."""
        (batch,) = table["batch"].to_pylist()
        inputs: list[Named] = pickle.loads(batch)  # by `drawn`, in a task of this program
        prepared = [attempt(self._recognizer, one.item) for one in inputs]
        (answered,) = self._recognizer.answers([([one.name for one in inputs], prepared)])
        rows = [row_of(one, self._top) for one in self._recognizer.worded(answered)]
        return {"rows": [json.dumps(rows)]}


def attempt(recognizer: Recognizer, item: Any) -> Any:
    """What the predictor makes of an input, or why it cannot."""
    try:
        given: Any = item.fetch() if isinstance(item, Deferred) else item
        return recognizer.predictor.prepare(given)
    except InputError as error:
        return error


def on_cluster(
    cluster: Cluster, inputs: Any, skip: int, size: int, top: int | None
) -> Generator[Row, None, None]:
    """Rows of inputs, in order, from the `skip`-th, in batches of `size`.

    Raises:
        MissingExtra: if Ray is not installed.
        UserError: if the inputs are not those of `given`, or the cluster cannot be reached.
    """
    if not isinstance(inputs, Inputs):
        raise UserError("a cluster draws its inputs itself; give it those of `given`")
    with started(cluster.address, cluster.workers) as workers:
        import ray
        from ray import data
        from ray.exceptions import RayError

        model = Path(cluster.model)
        alone = model.suffix in ALONE and model.is_file()
        kept = ray.put(model.read_bytes()) if alone else None
        opened = Opened(cluster.model, cluster.options, kept, str(Path.cwd()))
        context = data.DataContext()
        context.enable_progress_bars = False
        context.execution_options.preserve_order = True
        context.target_max_block_size = 1  # every batch is a block of its own, and goes on at once
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        with data.DataContext.current(context):
            source = source_of(inputs, skip, size, opened.folder)
            drawn = data.read_datasource(source, override_num_blocks=1, num_cpus=0)
            pool = data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=WAITING)
            answered = drawn.map_batches(
                Worker, fn_constructor_args=(opened, top), batch_size=1, batch_format="pyarrow",
                compute=pool, num_cpus=1,
            )  # fmt: skip
        with threads_ended(), closing(blocks_of(answered)) as blocks:
            try:
                for block in blocks:
                    for rows in block["rows"].to_pylist():
                        yield from (Row(*row) for row in json.loads(rows))
            except RayError as error:
                raise reason_of(error) from error


def blocks_of(answered: "Dataset") -> "Generator[pyarrow.Table, None, None]":
    """Its blocks in order."""
    yield from answered.iter_batches(batch_size=None, batch_format="pyarrow")


@contextmanager
def threads_ended() -> Iterator[None]:
    """Waits for the threads that were begun meanwhile: Ray ends the process without a word if one
    of Ray Data's uses a cluster that it was disconnected from."""
    before = set(threading.enumerate())
    try:
        yield
    finally:
        until = time.monotonic() + ENDING
        for thread in set(threading.enumerate()) - before:
            thread.join(max(0.0, until - time.monotonic()))


def reason_of(error: BaseException) -> StriateError:
    """What a task or a worker raised, if striate did, or that the cluster failed."""
    cause: BaseException | None = error
    while cause is not None:
        for one in (cause, getattr(cause, "cause", None)):
            if isinstance(one, StriateError):
                return type(one)(one_line(one))
        cause = cause.__cause__
    return StriateError(f"the cluster failed: {one_line(error)}")


def source_of(inputs: Inputs, skip: int, size: int, folder: str) -> Any:
    """Ray Data's source of batches: one task that draws them in order."""
    import pyarrow
    from ray.data import Datasource, ReadTask
    from ray.data.block import BlockMetadata

    def drawn() -> Iterator[pyarrow.Table]:
        enter(folder)
        batch: list[Named] = []
        for number, one in enumerate(inputs.items(skip)):
            if number < skip:
                continue
            item = Sent(one.item.given()) if isinstance(one.item, Held) else one.item
            batch.append(Named(one.name, item))
            if len(batch) == size:
                yield pyarrow.table({"batch": [pickle.dumps(batch)]})
                batch = []
        if batch:
            yield pyarrow.table({"batch": [pickle.dumps(batch)]})

    class Source(Datasource):
        def estimate_inmemory_data_size(self) -> None:
            return None

        def get_read_tasks(self, *_: Any, **__: Any) -> list[ReadTask]:
            unknown = BlockMetadata(None, None, None, None)
            return [ReadTask(drawn, unknown)]

    return Source()


def enter(folder: str) -> None:
    """Goes where relative names are meant from.

    Raises:
        UserError: if a machine of the cluster has no such folder.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise UserError(f"{folder}: not on every machine of the cluster; share it") from error
