"""Processes that learn one network together, each from its part of every batch (data parallelism;
Li et al. 2020, "PyTorch Distributed", VLDB 13(12)). `torchrun` starts them.

A batch is that of the recipe, however many share it, so the learning rate stays what it is: one
process and several follow the same gradient, but for rounding, for what dropout draws, and for
batch normalization, which sees the parts unless the recipe synchronizes it.

Every process runs the whole program; only the first writes where others look.
"""

import importlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from striate.errors import GroupEnded, UserError
from striate.training.accumulation import Divisible, share_of
from striate.training.sharding import forgotten, is_divided

Value = TypeVar("Value")
PLACED = ("RANK", "MASTER_ADDR", "MASTER_PORT")  # what torchrun sets beside WORLD_SIZE
BUCKET = 25 * 2**20  # bytes of gradients that are sent at once, as in the paper's Section 5.4


WAIT = timedelta(days=7)  # for what the first process does alone, hand-crafted features say
_alone: ContextVar[bool] = ContextVar("alone", default=False)


def size() -> int:
    """How many processes learn together: 1 where a process is alone."""
    if _alone.get():
        return 1
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """The number of this process, from 0."""
    return dist.get_rank() if size() > 1 else 0


@contextmanager
def joined() -> Iterator[None]:
    """Inside the block, a process that torchrun started is one of its group; others are alone.

    Raises:
        UserError: if what torchrun sets is there in part only.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        yield
        return
    if missing := [name for name in PLACED if name not in os.environ]:
        raise UserError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but {missing[0]} is not set; start several "
            "processes with: torchrun --nproc-per-node N -m striate ..."
        )
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # Its functions take the group of the moment of import as their default, which would outlive the
    # group's end; its threads would then meet the interpreter's, and abort. Optimizers import it.
    importlib.import_module("torch.distributed.nn.functional")
    # A group that is started again would find in the store what the last one left: dead addresses.
    store, number, count = next(dist.rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    dist.init_process_group(
        "nccl" if cuda else "gloo", store=dist.PrefixStore(f"attempt {attempt}", store),
        rank=number, world_size=count, timeout=WAIT,
    )  # fmt: skip
    try:
        yield
        dist.barrier()  # nobody leaves while another is still being sent to
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or "gloo" in str(error):
            raise GroupEnded("another process of the group has ended; it says why") from error
        raise
    finally:
        forgotten()
        dist.destroy_process_group()


@contextmanager
def alone(*, awaited: bool = False) -> Iterator[None]:
    """Inside the block a process works as if there were no others.

    Args:
        awaited: the others on its machine do nothing meanwhile: it computes with their threads.
    """
    before, count = torch.get_num_threads(), 1
    if awaited and size() > 1:
        count = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    token = _alone.set(True)
    try:
        if count > 1:
            torch.set_num_threads(count * before)
        yield
    finally:
        if count > 1:
            torch.set_num_threads(before)
        _alone.reset(token)


def restarted() -> bool:
    """Whether torchrun has started the group again, because one of it died."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0


@contextmanager
def own_folder(folder: Path) -> Iterator[Path]:
    """The folder itself for the first process; for every other one a copy of what it holds now,
    gone at the end of the block."""
    if rank() == 0:
        if size() > 1:
            dist.barrier()  # until all have their copy
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="striate-") as temporary:
        copy = Path(temporary) / folder.name
        if folder.is_dir():
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*"))
        dist.barrier()
        yield copy


def agreed(value: Value) -> Value:
    """What the first process says."""
    if size() == 1:
        return value
    box = [value]
    dist.broadcast_object_list(box, src=0)
    return box[0]


def any_of(*said: bool) -> tuple[bool, ...]:
    """Of each, whether any process says so."""
    if size() == 1:
        return said
    votes = _placed(torch.tensor(said, dtype=torch.int32))
    dist.all_reduce(votes, dist.ReduceOp.MAX)
    return tuple(bool(vote) for vote in votes.tolist())


def same_weights(model: nn.Module) -> None:
    """Gives every process the weights and statistics of the first."""
    if size() > 1:
        for tensor in model.state_dict().values():
            sent = tensor if tensor.is_contiguous() else tensor.contiguous()
            dist.broadcast(sent, src=0)
            if sent is not tensor:
                tensor.copy_(sent)


def same_statistics(model: nn.Module) -> None:
    """Gives every process what the first one's layers have measured."""
    if size() > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, src=0)


def by_all(count: int, compute: Callable[[int, int], Tensor], *, batch: int) -> Tensor:
    """What `compute` gives (n, ...) of the rows from one number up to another, of all `count` in
    order: each process computes some and all have them.

    Args:
        batch: rows that are computed together; none is divided, for others would round otherwise.
    """
    batches = -(-count // batch)
    if size() == 1 or batches < size():
        return compute(0, count)
    marks = [min(count, batches * place // size() * batch) for place in range(size() + 1)]
    mine = compute(marks[rank()], marks[rank() + 1])
    found = mine.new_empty(count, *mine.shape[1:])
    found[marks[rank()] : marks[rank() + 1]] = mine
    for place, (low, high) in enumerate(pairwise(marks)):
        # As bytes, for not every way to send them knows every kind of number.
        some = _placed(found[low:high].view(-1).view(torch.uint8))
        dist.broadcast(some, src=place)
        found[low:high].view(-1).view(torch.uint8).copy_(some)
    return found


def own_part(batch: Any) -> tuple[Any, float]:
    """The part of a batch that is this process's, and its share of the batch.

    What cannot be divided (the faces of which triplets are made, the last two examples of an epoch
    among three processes) all learn from alike: nothing is gained, and the gradient is the same.
    """
    if size() == 1:
        return batch, 1.0
    if not isinstance(batch, Divisible) or len(batch) < size():
        return batch, 1 / size()
    mine = batch.parts(size())[rank()]
    return mine, share_of(mine, batch)


class Gradients:
    """Adds up the gradients of all processes, in buckets, each of which is sent while the backward
    pass goes on below it.

    Args:
        parameters: that one optimizer moves.
        bucket: bytes that are sent at once.
    """

    def __init__(self, parameters: Sequence[Tensor], *, bucket: int = BUCKET):
        self.buckets = _bucketed(parameters, bucket)
        self.place = {id(each): number for number, some in enumerate(self.buckets) for each in some}
        self.sent: list[tuple[Tensor, Any]] = []
        self.missing: list[int] = []
        self.open = False
        self.handles = [each.register_post_accumulate_grad_hook(self._ready) for each in parameters]

    def begin(self, *, overlapping: bool) -> None:
        """Before a backward pass.

        Args:
            overlapping: send what is ready while it goes on; not where several passes add up.
        """
        self.sent, self.open = [], overlapping
        self.missing = [len(some) for some in self.buckets]

    def _ready(self, parameter: Tensor) -> None:
        if not self.open:
            return
        self.missing[self.place[id(parameter)]] -= 1
        # In their order, so that all processes send the same one after the other.
        while len(self.sent) < len(self.buckets) and not self.missing[len(self.sent)]:
            self._send()

    def _send(self) -> None:
        some = self.buckets[len(self.sent)]
        flat = torch.cat([_dense(each).flatten() for each in some])
        self.sent.append((flat, dist.all_reduce(flat, async_op=True)))

    def finish(self, losses: dict[str, Tensor]) -> dict[str, Tensor]:
        """After the backward pass: every gradient is the sum of all, and so is every loss."""
        while len(self.sent) < len(self.buckets):
            self._send()
        self.open = False
        every = [each for some in self.buckets for each in some]
        values = [float(loss) for loss in losses.values()]
        known = [each.grad is not None for each in every]
        rows = [each.grad is not None and each.grad.is_sparse for each in every]
        together = _placed(torch.tensor([*values, *known, *rows], dtype=torch.float64))
        dist.all_reduce(together)
        sums, used, sparse = together.cpu().split([len(values), len(every), len(every)])
        form = {id(each): (bool(any_), bool(some_rows)) for each, any_, some_rows in
                zip(every, used, sparse, strict=True)}  # fmt: skip
        for some, (flat, work) in zip(self.buckets, self.sent, strict=True):
            work.wait()
            for each, gradient in zip(
                some, flat.split([each.numel() for each in some]), strict=True
            ):
                has_gradient, in_rows = form[id(each)]
                if has_gradient:
                    _put(each, gradient.view(each.shape), in_rows=in_rows)
        self.sent = []  # what is kept of messages keeps the group alive after its end
        return {
            name: total.to(loss) for (name, loss), total in zip(losses.items(), sums, strict=True)
        }

    def close(self) -> None:
        """Leaves the parameters alone."""
        for handle in self.handles:
            handle.remove()
        self.sent = []


def _dense(parameter: Tensor) -> Tensor:
    """Its gradient; zeros where it has none."""
    gradient = parameter.grad
    if gradient is None:
        return torch.zeros_like(parameter)
    return gradient.to_dense() if gradient.is_sparse else gradient


def _put(parameter: Tensor, gradient: Tensor, *, in_rows: bool) -> None:
    """Makes it the gradient of a parameter: a sparse one, of those rows that are not zero, where
    an optimizer is to touch no others."""
    if in_rows:
        rows = gradient.flatten(1).any(1).nonzero()[:, 0]
        parameter.grad = torch.sparse_coo_tensor(
            rows[None], gradient[rows], parameter.shape, is_coalesced=True, check_invariants=False
        )
        return
    if parameter.grad is None:
        parameter.grad = torch.empty_like(parameter)
    parameter.grad.copy_(gradient)


def _bucketed(parameters: Sequence[Tensor], most: int) -> list[list[Tensor]]:
    """The last first, as a backward pass meets them; those of one bucket are of one kind."""
    buckets: list[list[Tensor]] = []
    room, kind = 0, None
    for each in reversed(parameters):
        mine = (each.dtype, each.device)
        if not buckets or mine != kind or room < each.nbytes:
            buckets.append([])
            room, kind = most, mine
        buckets[-1].append(each)
        room -= each.nbytes
    return buckets


def _placed(tensor: Tensor) -> Tensor:
    """Where the group's messages are read from."""
    return tensor.cuda() if dist.get_backend() == "nccl" else tensor


@contextmanager
def synchronized(model: nn.Module) -> Iterator[None]:
    """Inside the block, batch normalization that learns takes means and variances over the batch
    of all processes (Peng et al. 2018, "MegDet", Section 3.3), not over this one's part."""
    layers = [one for one in model.modules() if isinstance(one, nn.modules.batchnorm._BatchNorm)]
    if size() == 1:
        layers = []
    for layer in layers:
        layer.forward = _Synchronized(layer)  # type: ignore[assignment]
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


class _Synchronized:
    """The forward pass of a batch normalization over all processes.

    The variance is taken about the common mean, in a second message: squares minus the square of
    the mean would lose what is small beside the mean.
    """

    def __init__(self, layer: nn.modules.batchnorm._BatchNorm):
        self.layer, self.alone = layer, layer.forward

    def __call__(self, x: Tensor) -> Tensor:
        layer = self.layer
        if not layer.training:
            return self.alone(x)
        around = [axis for axis in range(x.ndim) if axis != 1]
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        count = x.numel() // x.shape[1]
        sums = _Sum.apply(torch.cat([x.sum(around), x.new_tensor([float(count)])]))
        total = float(sums[-1].detach())
        mean = sums[:-1] / total
        centered = x - mean.view(shape)
        variance = _Sum.apply(centered.square().sum(around)) / total
        if layer.track_running_stats:
            self._remember(mean.detach(), variance.detach() * (total / max(total - 1, 1)))
        y = centered * (variance + layer.eps).rsqrt().view(shape)
        if layer.affine:
            y = y * layer.weight.view(shape) + layer.bias.view(shape)
        return y

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        layer = self.layer
        assert layer.running_mean is not None
        assert layer.running_var is not None
        assert layer.num_batches_tracked is not None
        layer.num_batches_tracked += 1
        share = layer.momentum
        if share is None:
            share = 1 / float(layer.num_batches_tracked)
        layer.running_mean.lerp_(mean, share)
        layer.running_var.lerp_(variance, share)


class _Sum(torch.autograd.Function):
    """The sum over all processes; each of them passes on what comes back from all."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        return total


def gradients_of(optimized: Iterable[Sequence[Tensor]]) -> list[Gradients | None]:
    """What adds up the gradients of each optimizer's parameters; nothing where a process is
    alone. Those of parameters that are divided (`sharding`) are added up by what divided them."""
    return [
        Gradients([each for each in some if not is_divided(each)]) if size() > 1 else None
        for some in optimized
    ]
