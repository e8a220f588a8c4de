"""Keeps what a run must not lose: in its folder, or, where it has none, in memory."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from striate.errors import WeightsError, one_line
from striate.tensors import load_tensors, save_tensors
from striate.training import group
from striate.training.averaging import Average
from striate.training.checkpoints import load_checkpoint, save_checkpoint
from striate.training.loop import Objective
from striate.training.run import RunFolder
from striate.training.sharding import Shards

SECONDS_BETWEEN_SAVES = 60.0
logger = logging.getLogger(__name__)


class Keeper:
    """History, checkpoints, the best weights, and the average that is evaluated and kept.

    Args:
        model: what learns.
        decay: of the moving average of its weights; 0 where the weights themselves are kept.
        path: the folder of the run, or None.
        shards: the copy of the model that learns instead, divided among the processes of a group.
    """

    def __init__(
        self, model: nn.Module, decay: float, path: Path | None, shards: Shards | None = None
    ):
        self.model, self.path, self.shards = model, path, shards
        self.learner = shards.copy if shards else model
        self.average = Average(self.learner, decay) if decay else None
        self.files = RunFolder(path) if path else None
        self.history: list[dict[str, float]] = []
        self.losses: list[float] = []
        self.saved = time.monotonic()
        self.weights: dict[str, Tensor] = {}

    def begin(
        self, about: dict[str, Any], objectives: Sequence[Objective[Any]], score: str, *,
        resume: bool,
    ) -> int:  # fmt: skip
        """Puts back what an earlier process saved; returns the number of steps it did.

        Raises:
            DataError, WeightsError: if that is damaged, or of another run.
        """
        if not self.files:
            return 0
        step = 0
        reasons: list[WeightsError] = []
        for path in self.files.begin(about, resume=resume):
            try:
                step, self.losses = load_checkpoint(
                    path, self.model, objectives, average=self.average
                )
                break
            except WeightsError as error:
                reasons.append(error)
        else:
            if reasons:
                raise reasons[0]
        if reasons:
            logger.warning("%s; the run goes on from the checkpoint before, step %s",
                           reasons[0], f"{step:,}")  # fmt: skip
        self.history = self.files.history(until=step, score=score)
        return step

    def best(self, score: str) -> dict[str, float] | None:
        """The row with the highest score, the first of equal ones; None before there is any."""
        return max(self.history, key=lambda row: row[score], default=None)

    def stepped(self, step: int, losses: dict[str, Tensor]) -> None:
        """Takes in one step."""
        self.losses.append(sum(float(loss) for loss in losses.values()))
        if self.average:
            self.average.update(step)

    @contextmanager
    def weights_to_keep(self) -> Iterator[None]:
        """Inside the block the model has the weights that are evaluated and kept."""
        with self.average.in_place() if self.average else nullcontext():
            if self.shards:
                self.shards.gather()
            yield

    def evaluated(self, row: dict[str, float], score: str) -> None:
        """Notes one evaluation; if none before scored as high, the weights that the model has now
        are kept."""
        best = self.best(score)
        self.history.append(row)
        if self.files and not group.rank():
            self.files.log(row)
        if best is None or row[score] > best[score]:
            self.keep_best()

    def keep_best(self) -> None:
        """Keeps the weights that the model has now."""
        if group.rank():
            return  # the first process gives all of them theirs
        if self.files:
            save_tensors(self.files.best, self.model.state_dict(), {})
        else:
            self.weights = {name: t.clone() for name, t in self.model.state_dict().items()}

    def save(self, step: int, objectives: Sequence[Objective[Any]]) -> None:
        """Writes a checkpoint: the first process of a group does."""
        files = None if group.rank() else self.files
        if self.shards:
            self.shards.gather()
        elif not files:
            return
        if files:
            files.set_aside()
        save_checkpoint(
            files.checkpoint if files else None, step, self.model, objectives,
            losses=self.losses, average=self.average,
        )  # fmt: skip
        self.saved = time.monotonic()

    def aged(self) -> bool:
        """Whether the last checkpoint is old."""
        return time.monotonic() - self.saved > SECONDS_BETWEEN_SAVES

    def put_best_back(self) -> None:
        """Gives the model the best weights.

        Raises:
            WeightsError: if their file is damaged.
        """
        if not self.files:
            self.model.load_state_dict(self.weights)
            return
        weights = load_tensors(self.files.best)[0]
        for name, tensor in weights.items():
            if not bool(tensor.isfinite().all()):
                raise WeightsError(f"{self.files.best}: {one_line(name)} is not finite")
        try:
            self.model.load_state_dict(weights)
        except RuntimeError as error:
            raise WeightsError(
                f"{self.files.best} has the weights of another model ({one_line(error)})"
            ) from error

    def close(self) -> None:
        """Ends what is open."""
        if self.files:
            self.files.close()
