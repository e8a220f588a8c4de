"""One side of benchmarks/training.py, in a process of its own: frameworks clash, allocators differ.

`python _training_sides.py SIDE CASE` writes on standard output whether it is ready, then trains
once for every line that it reads, and writes the seconds.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from _rows import let_torchvision_in
from torch import Tensor, nn

MEAN, STD = 33.0, 78.0  # of MNIST, in [0, 255]
RATE, MOMENTUM = 0.01, 0.9


@dataclass(frozen=True)
class Case:
    """What is learned; `images` in a run; what is asked: ratio to every peer, share of the peak."""

    network: str
    channels: int
    side: int
    batch: int
    images: int
    peers: tuple[str, ...]
    ratio: float | None = None
    share: float | None = None
    device: str = "cpu"


EAGER = ("eager",)
CASES = {
    "lenet5": Case("lenet5", 1, 28, 64, 12_800, (
        "indexing", "indexing_channels_last", "dataloader", "lightning", "fastai",
        "keras_torch", "keras_jax"), ratio=2.0),
    "resnet18": Case("resnet18", 3, 32, 128, 128,
        ("eager", "eager_channels_last", "compiled"), ratio=1.0, share=0.65),
    "alexnet": Case("alexnet", 3, 224, 32, 32, EAGER, ratio=1.4),
    "vgg16": Case("vgg16", 3, 224, 8, 8, EAGER, ratio=1.15, share=0.7),
    "resnet50": Case("resnet50", 3, 224, 16, 16, EAGER, ratio=1.15, share=0.7),
    "gpu-lenet5": Case("lenet5", 1, 28, 512, 51_200, ("indexing",), device="cuda"),
    "gpu-resnet18": Case("resnet18", 3, 32, 512, 10_240,
        ("eager", "eager_channels_last", "compiled"), device="cuda"),
    "gpu-resnet50": Case("resnet50", 3, 224, 128, 1_280,
        ("eager", "eager_channels_last", "compiled"), device="cuda"),
}  # fmt: skip

Run = Callable[[], float | None]
"""Trains on the case's images once; the seconds, where the framework must be asked for them."""


def network(case: Case) -> nn.Module:
    """The same network for all sides that speak torch; small pictures get a stem of their size."""
    from striate.models import create

    torch.manual_seed(0)
    size = {"image_size": case.side} if case.network in ("alexnet", "vgg16") else {}
    model = create(case.network, classes=10, channels=case.channels, **size)
    if case.network == "resnet18":
        convolution = nn.Conv2d(case.channels, 64, 3, padding=1, bias=False)
        model.stem = nn.Sequential(convolution, nn.BatchNorm2d(64), nn.ReLU(inplace=True))
    return model.to(case.device)


def digits(case: Case) -> tuple[Tensor, Tensor]:
    """Noise of the size of MNIST: uint8 images and their classes."""
    generator = torch.Generator().manual_seed(0)
    shape = (case.images, case.channels, case.side, case.side)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    targets = torch.randint(0, 10, (case.images,), generator=generator)
    return images.to(case.device), targets.to(case.device)


def normalized(images: Tensor) -> Tensor:
    return (images.float() - MEAN) / STD


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM, foreach=True)


def ours(case: Case) -> Run:
    """striate: its batches, its loop, its optimizer."""
    from striate.data.batches import Batch, Batches
    from striate.models.fusion import fused
    from striate.ops.memory import keep_memory, learning_layout
    from striate.training import Recipe
    from striate.training.loop import Objective, train
    from striate.training.optimizers import optimizer_for
    from striate.training.precision import in_precision

    keep_memory()
    recipe = Recipe(1, case.batch, RATE, momentum=MOMENTUM, nesterov=False,
                    precision="float32" if case.device == "cpu" else "bfloat16")  # fmt: skip
    model = network(case)
    layout = learning_layout(model)
    model.to(memory_format=layout)
    learner = fused(model)

    def losses(batch: Batch) -> dict[str, Tensor]:
        return {"cross_entropy": F.cross_entropy(learner(batch.images), batch.targets)}

    optimizer = optimizer_for(model, recipe, new=model.parameters())
    objective = Objective(in_precision(recipe.precision, losses, model), optimizer)

    def of_digits() -> Iterator[Batch]:
        images, targets = digits(case)
        pixels = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        some = Batches(pixels, targets.cpu().numpy(), size=case.batch, seed=0)
        for batch in some:
            there = normalized(batch.images.to(case.device))
            yield Batch(there, batch.targets.to(case.device), batch.indices)

    def the_same() -> Iterator[Batch]:
        images, targets = photographs(case)
        images = images.contiguous(memory_format=layout)
        while True:
            yield Batch(images, targets, targets)

    steps = train([objective], of_digits() if case.side == 28 else the_same())

    def run() -> None:
        for _ in islice(steps, case.images // case.batch):
            pass

    return run


def photographs(case: Case) -> tuple[Tensor, Tensor]:
    """One batch of noise: what reaches the network is not the question here."""
    generator = torch.Generator().manual_seed(0)
    shape = (case.batch, case.channels, case.side, case.side)
    images = torch.randn(shape, generator=generator).to(case.device)
    return images, torch.randint(0, 10, (case.batch,), generator=generator).to(case.device)


def eager(case: Case, *, channels_last: bool = False, compiled: bool = False) -> Run:
    """The loop that everyone writes, with torch's own layers."""
    model = network(case)
    for name, layer in list(model.named_modules()):
        if type(layer).__name__ == "LocalResponseNorm":
            theirs = nn.LocalResponseNorm(layer.size, layer.alpha, layer.beta, layer.k)
            model.set_submodule(name, theirs)
    images, targets = photographs(case)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = sgd(model)
    learner = torch.compile(model) if compiled else model

    def run() -> None:
        for _ in range(case.images // case.batch):
            optimizer.zero_grad()
            with torch.autocast(case.device, torch.bfloat16, enabled=case.device == "cuda"):
                loss = F.cross_entropy(learner(images), targets)
            loss.backward()
            optimizer.step()

    return run


def indexing(case: Case, *, channels_last: bool = False) -> Run:
    """A plain loop that takes its batches out of one tensor."""
    model, (images, targets) = network(case), digits(case)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer = sgd(model)

    def run() -> None:
        for rows in torch.randperm(case.images, device=case.device).split(case.batch):
            optimizer.zero_grad()
            F.cross_entropy(model(normalized(images[rows])), targets[rows]).backward()
            optimizer.step()

    return run


def loader(case: Case) -> torch.utils.data.DataLoader:
    images, targets = digits(case)
    data = torch.utils.data.TensorDataset(normalized(images), targets)
    return torch.utils.data.DataLoader(data, case.batch, shuffle=True)


def dataloader(case: Case) -> Run:
    """A plain loop over a DataLoader of normalized images in memory."""
    model, batches = network(case), loader(case)
    optimizer = sgd(model)

    def run() -> None:
        for images, targets in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(images), targets).backward()
            optimizer.step()

    return run


def lightning(case: Case) -> Run:
    """A LightningModule and a Trainer that neither logs nor saves; its epoch alone is timed."""
    import lightning as L

    class Module(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model, self.seconds = network(case), 0.0

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            images, targets = batch
            return F.cross_entropy(self.model(images), targets)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return sgd(self.model)

        def on_train_epoch_start(self) -> None:
            self.seconds = time.perf_counter()

        def on_train_epoch_end(self) -> None:
            self.seconds = time.perf_counter() - self.seconds

    module, batches = Module(), loader(case)

    def run() -> float:
        L.Trainer(
            accelerator="cpu", max_epochs=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, barebones=False,
        ).fit(module, batches)  # fmt: skip
        return module.seconds

    return run


def fastai(case: Case) -> Run:
    """A Learner without a progress bar; its training alone is timed."""
    import fastai.callback.progress  # noqa: F401 (gives learners `no_bar`)
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from fastai.learner import Learner
    from fastai.optimizer import SGD

    images, targets = digits(case)
    data = torch.utils.data.TensorDataset(normalized(images), targets)
    few = torch.utils.data.Subset(data, range(case.batch))
    both = DataLoaders.from_dsets(data, few, bs=case.batch, num_workers=0, device="cpu")

    class Clock(Callback):
        def before_train(self) -> None:
            self.learn.seconds = time.perf_counter()

        def after_train(self) -> None:
            self.learn.seconds = time.perf_counter() - self.learn.seconds

    learner = Learner(both, network(case), loss_func=nn.CrossEntropyLoss(), lr=RATE,
                      opt_func=partial(SGD, mom=MOMENTUM), cbs=[Clock()])  # fmt: skip

    def run() -> float:
        with learner.no_bar(), learner.no_logging():
            learner.fit(1)
        return learner.seconds

    return run


def keras(case: Case, *, backend: str) -> Run:
    """The same layers in Keras; `fit` for one epoch."""
    os.environ["KERAS_BACKEND"] = backend
    import keras
    from keras import layers

    images, targets = digits(case)
    x = normalized(images).permute(0, 2, 3, 1).contiguous().numpy()
    y = targets.numpy().astype(np.int32)
    model = keras.Sequential([
        keras.Input((case.side, case.side, 1)), layers.ZeroPadding2D(2),
        layers.Conv2D(6, 5, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"),
        layers.Dense(10),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), loss)

    def run() -> None:
        model.fit(x, y, batch_size=case.batch, epochs=1, verbose=0)

    return run


SIDES: dict[str, Callable[[Case], Run]] = {
    "ours": ours,
    "indexing": indexing,
    "indexing_channels_last": partial(indexing, channels_last=True),
    "dataloader": dataloader,
    "lightning": lightning,
    "fastai": fastai,
    "keras_torch": partial(keras, backend="torch"),
    "keras_jax": partial(keras, backend="jax"),
    "eager": eager,
    "eager_channels_last": partial(eager, channels_last=True),
    "compiled": partial(eager, channels_last=True, compiled=True),
}


def serve(side: str, case: Case) -> None:
    """Prepares, writes that it is ready or why not, and runs once for every line read."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what frameworks print is not for the one who asks
    try:
        if side in ("lightning", "fastai"):
            let_torchvision_in()
        run = SIDES[side](case)
        start = time.perf_counter()
        run()
        seconds(run)
    except Exception as error:  # whatever it is, it is the reason in a row
        reason = f"{error}".splitlines() or [type(error).__name__]
        print(json.dumps({"absent": reason[0]}), file=out)
        return
    print(json.dumps({"warm": time.perf_counter() - start}), file=out)
    for _ in sys.stdin:
        print(json.dumps({"seconds": seconds(run)}), file=out)


def seconds(run: Run) -> float:
    start = time.perf_counter()
    asked = run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return asked or time.perf_counter() - start


if __name__ == "__main__":
    serve(sys.argv[1], CASES[sys.argv[2]])
