"""From a folder of images to a tested recognizer: seconds until a test accuracy is reached.

    python benchmarks/main_job.py FOLDER [--json] [--seconds 400] [--only NAME]

Everyone starts from the same EfficientNet-Lite0 with the same published weights and the same class
folders (train, validation, test), in a process of its own; imports are not counted, nor is looking
at the test images. Peers fine-tune the whole network as their documentation does, batches of 32
at 224 px, mirrored at random, and stop after --seconds. Their time is that of the first epoch
whose test accuracy is ours or better; where none is, all of it, and the ratio is at least that.
Peers that are not installed are named: pip install torch lightning fastai.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _paired import Row

NETWORK, SIDE, BATCH, EPOCHS = "efficientnet_lite0", 224, 32, 10
MEAN, STD = 127.0, 128.0
Score = Callable[[Any], float]


class Watch:
    """Tells one line an evaluation, without the seconds the evaluation took."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def tell(self, score: Callable[[], float]) -> None:
        before = time.perf_counter()
        line = {"seconds": round(before - self.start, 2), "top1": round(score(), 4)}
        print(json.dumps(line), flush=True)
        self.start += time.perf_counter() - before


def ours(approach: str, folder: Path) -> None:
    """One of striate's approaches."""
    import striate
    from striate.approaches import run_approach

    watch = Watch()
    outcome = run_approach(approach, striate.data.open(folder))
    watch.tell(lambda: outcome.top1)


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
        watch.tell(lambda: accuracy(model, test))


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
            watch.tell(lambda: accuracy(self.model, test))

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

    class Tell(Callback):  # type: ignore[misc]
        def after_epoch(self) -> None:
            watch.tell(lambda: accuracy(self.learn.model, test))

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
        cbs=[Tell()],
    )
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(EPOCHS - 1)


OURS = {"striate transfer": "transfer", "striate finetune": "finetune"}
PEERS = {"plain torch": plain, "Lightning": lightning, "fastai": fastai}


def outcome(name: str, folder: Path, seconds: float) -> tuple[list[dict[str, float]], str]:
    """What a competitor told, in a process of its own; and why it told nothing, if so."""
    with tempfile.TemporaryDirectory() as cache:
        process = subprocess.Popen(
            [sys.executable, __file__, str(folder), "--run", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"STRIATE_CACHE": cache},
        )
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return lines, "" if lines else (err.strip().splitlines() or ["no time"])[-1]


def rows(folder: Path, seconds: float, only: str | None) -> Iterator[Row | str]:
    told = {}
    for name in (*OURS, *PEERS):
        if only and name in PEERS and name != only:
            continue
        told[name], reason = outcome(name, folder, seconds)
        last = told[name][-1] if told[name] else None
        yield f"# {name}: " + (
            ", ".join(f"{line['top1']:.3f} at {line['seconds']:.0f} s" for line in told[name])
            if last
            else f"not measured ({reason})"
        )
    for mine in OURS:
        if not told[mine]:
            continue
        goal, spent = told[mine][-1]["top1"], told[mine][-1]["seconds"]
        for name in PEERS:
            if not told.get(name):
                continue
            reached = [line["seconds"] for line in told[name] if line["top1"] >= goal]
            best = max(line["top1"] for line in told[name])
            theirs = reached[0] if reached else told[name][-1]["seconds"]
            peer = name if reached else f"{name}, which reached {best:.3f} and no more"
            ratio = round(theirs / spent, 2)
            yield Row(f"{mine}, top-1 {goal:.3f}", "s", spent, peer, theirs, ratio, 4.0)


def let_torchvision_in() -> object:
    """Lightning and fastai import torchvision, which on a CPU build of torch that is not its own
    stops at operators it cannot load; nothing here uses them, so their names are enough."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="stop peers after a minute")
    parser.add_argument("--seconds", type=float, default=400, help="after which a peer stops")
    parser.add_argument("--only", choices=PEERS, help="one peer")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run in OURS:
        ours(OURS[options.run], options.folder)
    elif options.run:
        kept = let_torchvision_in()
        PEERS[options.run](options.folder)
        del kept
    else:
        for row in rows(options.folder, 60 if options.quick else options.seconds, options.only):
            if isinstance(row, str):
                if not options.json:
                    print(row, flush=True)
            elif options.json:
                print(json.dumps(vars(row)), flush=True)
            else:
                times = f"{row.ours:8.1f} s {row.theirs:8.1f} s {row.ratio:6.2f}"
                print(f"{row.case:36}{times}  {row.peer}", flush=True)


if __name__ == "__main__":
    main()
