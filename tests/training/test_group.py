"""Two processes that learn one network as one process does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import nn

from striate.errors import GroupEnded, UserError
from striate.training import group

PROGRAM = """
import gc
gc.disable()  # imports take half of the time
import json, os, signal, sys
from pathlib import Path
import numpy as np
import torch
from torch import nn
from striate.augment.named import CHARACTERS
from striate.data import Array, Dataset, Labels
from striate.errors import UserError
from striate.layers.word_convolution import laid
from striate.models.kim import Kim
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.text.problem import Batch as Texts
from striate.tasks.text.problem import Sentences
from striate.training import Objective, Recipe, fit, group, train
from striate.training.keeper import Keeper
from striate.training.sharding import Shards

def digits():
    random = np.random.default_rng(0)
    targets = np.arange(150) % 3
    pixels = random.integers(0, 120, (150, 8, 8), dtype=np.uint8)
    pixels[np.arange(150), 1 + 2 * targets] += 90
    split = np.repeat(np.array([0, 1, 2], dtype=np.int8), [120, 20, 10])
    labels = Labels(("a", "b", "c"), targets.astype(np.int64))
    return Dataset("stripes", Array(pixels), labels, split)

def network(normalized):
    torch.manual_seed(3 + group.rank())  # the first one's weights are everybody's
    norm = nn.BatchNorm2d(4) if normalized else nn.Identity()
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), norm, nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
    )

def learned(normalized, folder=None, resume=False, **changes):
    recipe = Recipe(5, 12, 0.05, synchronize_statistics=True, threads=1).but(**changes)
    model = network(normalized)
    run = fit(model, ClassificationProblem(("a", "b", "c")), digits(), recipe,
              folder=folder, resume=resume)
    weights = torch.cat([one.flatten().double() for one in model.state_dict().values()])
    return {"losses": [row["loss"] for row in run.history], "weights": weights.tolist()}

def steps(bucket):
    # Every step's loss, with parameters that no batch uses and some that few examples do.
    torch.manual_seed(0)
    sizes = {"a": (6, 8), "b": (8, 2), "c": (6, 2), "d": (1, 1)}
    model = nn.ModuleDict({name: nn.Linear(*size) for name, size in sizes.items()})
    class Some(tuple):
        def parts(self, count):
            return [Some(part) for part in zip(*(one.tensor_split(count) for one in self))]
        def __len__(self):
            return len(self[0])
    def losses(batch):
        x, y = batch
        out = model["b"](model["a"](x).relu())
        some = x[:, :1] > 1
        if some.any():  # often in one part of the batch alone
            out = out + some * model["c"](x)
        return {"ce": nn.functional.cross_entropy(out, y)}
    random = torch.Generator().manual_seed(1)
    batches = [Some((torch.randn(7, 6, generator=random), torch.randint(2, (7,), generator=random)))
               for _ in range(50)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.1)
    group.BUCKET = bucket
    objective = Objective(losses, optimizer, clip=1.0)
    found = [float(step.losses["ce"]) for step in train([objective], batches)]
    return found + [float(one.detach().sum()) for one in model["d"].parameters()]

class Elsewhere(ClassificationProblem):
    # As machines and players are: what learns is not what fit is given.
    def __init__(self, model):
        super().__init__(("a", "b", "c"))
        self.model = model

    def losses(self, model, batch, recipe):
        return super().losses(self.model, batch, recipe)

def refused():
    recipe = Recipe(1, 12, 0.05, shard_parameters=True, threads=1)
    try:
        fit(network(False), Elsewhere(network(False)), digits(), recipe)
    except UserError as error:
        return str(error)

def held():
    divided = Shards(network(False)).copy
    return sum(one.to_local().numel() for one in divided.parameters())

def texts():
    # Every word's gradient is sparse, and stays so: Adadelta touches no other row.
    torch.manual_seed(0)
    vectors = torch.randn(30, 4)
    vectors[0] = 0
    model = Kim(vectors, "non-static", classes=2).eval()  # without dropout
    random = np.random.default_rng(0)
    batches = [Texts(laid([random.integers(1, 30, 1 + k % 5) for k in range(6 + step)], 4),
                     torch.from_numpy(random.integers(0, 2, 6 + step))) for step in range(5)]
    (objective,) = Sentences().objectives(model, Recipe(1, 6, 1.0, optimizer="adadelta"), 5)
    found = [float(step.losses["cross_entropy"]) for step in train([objective], batches)]
    assert model.vectors.grad.is_sparse
    return found + model.vectors.detach().flatten().tolist()

DIVIDED = {"shard_parameters": True, "average": 0.9, "optimizer": "adamw", "learning_rate": 0.01}

def began(folder):
    # Ctrl-C after 23 of 50 steps.
    seen = Keeper.stepped
    def stop(self, step, losses):
        seen(self, step, losses)
        if step == 23:
            os.kill(os.getpid(), signal.SIGINT)
    Keeper.stepped = stop
    try:
        learned(False, folder=folder, **DIVIDED)
    except KeyboardInterrupt:
        Keeper.stepped = seen

def alone_then_all(folder):
    if not group.rank():
        with group.alone():
            began(folder)
    group.agreed(None)
    with group.own_folder(Path(folder)) as place:
        return learned(False, folder=place, resume=True, **DIVIDED)

def all_then_alone(folder):
    began(None if group.rank() else folder)
    if not group.rank():
        with group.alone():
            return learned(False, folder=folder, resume=True, **DIVIDED)

with group.joined():
    found = {
        "size": group.size(), "plain": learned(False), "normalized": learned(True),
        "parts": learned(False, parts=2, optimizer="adamw", learning_rate=0.01), "clip": steps(100),
        "kept": learned(True, folder=sys.argv[1] if not group.rank() else None, epochs=2),
        "turned": learned(False, augmentation=CHARACTERS),
        "divided": learned(False, shard_parameters=True, clip=1.0, average=0.9),
        "divided, adam": learned(False, shard_parameters=True, optimizer="adamw",
                                 learning_rate=0.01, parts=2),
        "at once": learned(False, **DIVIDED), "all": alone_then_all(sys.argv[1] + "1"),
        "alone": all_then_alone(sys.argv[1] + "2"),
        "one example": learned(False, batch_size=1, epochs=1), "texts": texts(),
    }
    if group.size() > 1:
        found["held"], found["refused"] = held(), refused()
    first = group.rank() == 0
threads = [name.read_text() for name in Path("/proc/self/task").glob("*/comm")]
found["threads"] = sum("gloo" in name for name in threads)  # one that is left aborts the exit
if first:
    print(json.dumps(found))
"""


def run(count: int, folder: Path) -> dict[str, object]:
    command = [sys.executable]
    if count > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    script = folder.parent / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [*command, str(script), str(folder)], env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_two_processes_take_the_steps_of_one(tmp_path: Path) -> None:
    one, two = run(1, tmp_path / "one"), run(2, tmp_path / "two")
    assert (one.pop("size"), two.pop("size")) == (1, 2)
    assert two["threads"] == 0
    # Of 40 + 435 numbers the first process holds two filters of four, and two classes of three.
    assert "this method cannot divide its network" in str(two.pop("refused"))
    assert two.pop("held") == 20 + 290
    assert one.keys() == two.keys()
    for name, mine in one.items():
        other = two[name]
        if isinstance(mine, dict):
            assert isinstance(other, dict)
            assert other["losses"] == pytest.approx(mine["losses"], abs=1e-5), name
            assert other["weights"] == pytest.approx(mine["weights"], abs=1e-4), name
        else:
            assert other == pytest.approx(mine, abs=1e-5), name
    for gone_on in (two["all"], two["alone"]):
        assert isinstance(gone_on, dict)
        assert isinstance(at_once := one["at once"], dict)
        assert gone_on["losses"] == pytest.approx(at_once["losses"], abs=1e-5)
    assert (tmp_path / "two" / "best.safetensors").exists()


def test_alone_nothing_is_shared() -> None:
    batch = object()
    assert group.own_part(batch) == (batch, 1.0)
    assert group.any_of(True, False) == (True, False)
    assert group.agreed(batch) is batch
    assert group.gradients_of([[torch.zeros(1)]]) == [None]
    layer = nn.BatchNorm1d(2)
    with group.joined(), group.synchronized(layer):
        assert "forward" not in vars(layer)


def test_a_group_that_is_set_up_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    with pytest.raises(UserError, match=r"WORLD_SIZE is 2, but MASTER_ADDR is not set; .*torchrun"):
        with group.joined():
            pass


@pytest.mark.parametrize(
    ("raised", "expected"),
    [("[gloo/transport/tcp] Connection closed by peer", GroupEnded), ("shapes", RuntimeError)],
)
def test_the_end_of_another_is_told_from_an_own_mistake(
    raised: str, expected: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "WORLD_SIZE": "2",
        "RANK": "0",
        "MASTER_ADDR": "",
        "MASTER_PORT": "",
    }.items():
        monkeypatch.setenv(name, value)
    ended: list[bool] = []
    found = {"rendezvous": lambda place: iter([(None, 0, 2)]), "PrefixStore": lambda *_: None,
             "init_process_group": lambda *_, **__: None,
             "destroy_process_group": lambda: ended.append(True)}  # fmt: skip
    for name, stand_in in found.items():
        monkeypatch.setattr(dist, name, stand_in)
    with pytest.raises(expected) as caught, group.joined():
        raise RuntimeError(raised)
    assert type(caught.value) is expected
    assert ended == [True]


def test_buckets_are_filled_from_the_last_parameter_with_one_kind_each() -> None:
    parameters = [
        torch.zeros(4),
        torch.zeros(2, dtype=torch.float64),
        torch.zeros(3),
        torch.zeros(2),
    ]
    buckets = group._bucketed(parameters, 20)
    assert [[len(each) for each in some] for some in buckets] == [[2, 3], [2], [4]]
