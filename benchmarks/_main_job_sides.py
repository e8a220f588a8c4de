"""One side of benchmarks/main_job.py, in a process of its own.

`python _main_job_sides.py SIDE FOLDER` prints one JSON line an evaluation: seconds and top-1.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from _rows import let_torchvision_in

NETWORK, SIDE, BATCH, EPOCHS = "efficientnet_lite0", 224, 32, 10
MEAN, STD = 127.0, 128.0
Score = Callable[[Any], float]


class Watch:
    """Prints one line an evaluation, without the seconds the evaluation took."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def evaluated(self, score: Callable[[], float]) -> None:
        before = time.perf_counter()
        line = {"seconds": round(before - self.start, 2), "top1": round(score(), 4)}
        print(json.dumps(line), flush=True)
        self.start += time.perf_counter() - before


def ours(method: str, folder: Path) -> None:
    """One of striate's approaches."""
    from striate.comparing import learn

    watch = Watch()
    outcome = learn(folder, method, task="classification")
    assert outcome.scores is not None
    score = outcome.scores.value
    watch.evaluated(lambda: score)


def classes_of(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "train").iterdir())


def network(folder: Path) -> Any:
    import striate

    return striate.create(NETWORK, classes=len(classes_of(folder)), weights="imagenet")


def pictures(folder: Path, split: str, *, learning: bool) -> Any:
    """A map-style data set of (image, class number) as people write it."""
    import numpy as np
    import torch
    from PIL import Image, ImageOps

    paths = [(path, number) for number, name in enumerate(classes_of(folder))
             for path in sorted((folder / split / name).iterdir())]  # fmt: skip

    class Pictures(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return len(paths)

        def __getitem__(self, index: int) -> Any:
            path, number = paths[index]
            with Image.open(path) as image:
                image = ImageOps.exif_transpose(image).convert("RGB").resize((SIDE, SIDE))
            pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
            if learning and torch.rand(()) < 0.5:
                pixels = pixels.flip(2)
            return (pixels - MEAN) / STD, number

    return Pictures()


def loader(folder: Path, split: str, *, learning: bool) -> Any:
    import torch

    data = pictures(folder, split, learning=learning)
    return torch.utils.data.DataLoader(
        data, batch_size=BATCH, shuffle=learning, num_workers=2, persistent_workers=True
    )


def accuracy(model: Any, batches: Any) -> float:
    import torch

    model.eval()
    with torch.no_grad():
        right = [(model(x).argmax(1) == y).float() for x, y in batches]
    model.train()
    return float(torch.cat(right).mean())


def groups(model: Any) -> Any:
    """The new classifier learns ten times as fast as what is kept."""
    head = list(model.fc.parameters())
    kept = [p for name, p in model.named_parameters() if not name.startswith("fc.")]
    return [{"params": kept, "lr": 1e-4}, {"params": head, "lr": 1e-3}]


def plain(folder: Path) -> None:
    """A loop over a DataLoader, AdamW."""
    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    test = loader(folder, "test", learning=False)
    watch = Watch()
    model, batches = network(folder), loader(folder, "train", learning=True)
    optimizer = torch.optim.AdamW(groups(model), weight_decay=1e-2)
    model.train()
    for _ in range(EPOCHS):
        for x, y in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        watch.evaluated(lambda: accuracy(model, test))


def careful(folder: Path) -> None:
    """The same loop by someone who has read the papers: the classifier is solved first, on deep
    features; statistics stay; momentum with small steps, smoothed labels, channels last."""
    import torch
    import torch.nn.functional as F
    from sklearn.linear_model import LogisticRegression

    torch.manual_seed(0)
    test = loader(folder, "test", learning=False)
    watch = Watch()
    model = network(folder).to(memory_format=torch.channels_last).eval()
    trunk, head = torch.nn.Sequential(*list(model.children())[:-1]), model.fc

    def described(split: str) -> tuple[Any, Any]:
        with torch.no_grad():
            parts = [(trunk(x), y) for x, y in loader(folder, split, learning=False)]
        return torch.cat([x for x, _ in parts]).numpy(), torch.cat([y for _, y in parts]).numpy()

    inputs, targets = described("train")
    held_out, wanted = described("validation")
    mean, std = inputs.mean(0), inputs.std(0) + 1e-6
    tried = [
        LogisticRegression(C=cost, max_iter=300).fit((inputs - mean) / std, targets)
        for cost in (0.001, 0.003, 0.01, 0.03, 0.1)
    ]
    best = max(tried, key=lambda each: each.score((held_out - mean) / std, wanted))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(best.coef_ / std))
        head.bias.copy_(torch.from_numpy(best.intercept_ - best.coef_ @ (mean / std)))
    watch.evaluated(lambda: accuracy(model, test))
    model.eval()  # statistics stay those of ImageNet
    optimizer = torch.optim.SGD(model.parameters(), lr=0.004, momentum=0.9, weight_decay=1e-4)
    batches = loader(folder, "train", learning=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(batches))
    for _ in range(EPOCHS):
        for x, y in batches:
            optimizer.zero_grad()
            x = x.contiguous(memory_format=torch.channels_last)
            F.cross_entropy(model(x), y, label_smoothing=0.1).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            schedule.step()
        watch.evaluated(lambda: accuracy(model, test))
        model.eval()


def lightning(folder: Path) -> None:
    """The same step in a LightningModule, by its Trainer."""
    import lightning as L
    import torch
    import torch.nn.functional as F

    L.seed_everything(0)
    test = loader(folder, "test", learning=False)
    watch = Watch()

    class Module(L.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = network(folder)

        def training_step(self, batch: Any, index: int) -> Any:
            return F.cross_entropy(self.model(batch[0]), batch[1])

        def on_train_epoch_end(self) -> None:
            watch.evaluated(lambda: accuracy(self.model, test))

        def configure_optimizers(self) -> Any:
            return torch.optim.AdamW(groups(self.model), weight_decay=1e-2)

    trainer = L.Trainer(
        max_epochs=EPOCHS, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    trainer.fit(Module(), loader(folder, "train", learning=True))


def fastai(folder: Path) -> None:
    """`fine_tune`: one epoch with the trunk frozen, then all of it, one cycle."""
    import fastai.callback.progress
    import fastai.callback.schedule  # noqa: F401 (both add methods to its Learner)
    import torch
    from fastai.data.core import DataLoaders
    from fastai.learner import Callback, Learner
    from fastai.losses import CrossEntropyLossFlat
    from fastai.torch_core import params

    torch.manual_seed(0)
    test = loader(folder, "test", learning=False)
    watch = Watch()

    class Watched(Callback):  # type: ignore[misc]
        def after_epoch(self) -> None:
            watch.evaluated(lambda: accuracy(self.learn.model, test))

    batches = DataLoaders(
        loader(folder, "train", learning=True), loader(folder, "validation", learning=False)
    )
    learner = Learner(
        batches,
        network(folder),
        loss_func=CrossEntropyLossFlat(),
        splitter=lambda m: [
            [p for name, p in m.named_parameters() if not name.startswith("fc.")],
            params(m.fc),
        ],
        cbs=[Watched()],
    )
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(EPOCHS - 1)


OURS = {"striate transfer": "transfer", "striate finetune": "finetune"}
PEERS = {"plain torch": plain, "careful torch": careful, "Lightning": lightning, "fastai": fastai}


if __name__ == "__main__":
    side, place = sys.argv[1], Path(sys.argv[2])
    if side in OURS:
        ours(OURS[side], place)
    else:
        let_torchvision_in()
        PEERS[side](place)
