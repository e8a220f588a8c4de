"""The engine that striate chooses beside every other, at batch 1 and 32.

    python benchmarks/inference.py [--quick] [--json] [--only NETWORK] [--device cuda]

One thread. `engine="auto"` runs in turns with each engine and with the network as torch computes it
when nothing is done for speed; the target is 0.95 of any of them, so of the best one too. Weights
are random, for their values do not matter to the time. On a GPU torch is the engine, for nothing is
chosen there; images come from the CPU, and outputs go back to it.
"""

import argparse
import statistics
from collections.abc import Callable, Iterator
from functools import partial

import torch
from _rows import Row, absent, compared, device_option, in_turns, main, ratio_of
from torch import Tensor, nn

from striate.inference.engines import ENGINES, EVERYWHERE, Engine, Engines
from striate.models import NETWORKS, create, folded
from striate.ops.memory import channels_last

TARGET = 0.95
CASES = ("alexnet_single", "vgg16", "googlenet_bn", "resnet50", "efficientnet_lite0")
BATCHES = {1: 11, 32: 5}  # and rounds


def measure(quick: bool, only: str | None = None, device: str = "cpu") -> Iterator[Row]:
    torch.set_num_threads(1)
    for name in [only] if only else CASES:
        known = NETWORKS[name]
        shape = known.channels, known.image_size, known.image_size
        plain = create(name).eval().to(device)
        gpu = device != "cpu"
        engines = Engines(channels_last(folded(plain)), shape, "torch" if gpu else "auto")
        chosen = {str(size): device for size in BATCHES} if gpu else engines.choice
        for batch, rounds in list(BATCHES.items())[: 1 if quick else None]:
            case = f"{name}, batch {batch}: {chosen[str(batch)]}"
            images = torch.randn(batch, *shape).contiguous(memory_format=torch.channels_last)
            sides: dict[str, Callable[[], object]] = {"ours": lambda e=engines, i=images: e(i)}
            for engine in EVERYWHERE if gpu else ENGINES:
                try:
                    engines.engine(engine)(images.to(device))
                except Exception as error:  # not installed, or it cannot compute this network
                    yield absent(case, "ms", engine, error, TARGET)
                else:
                    sides[engine] = partial(there_and_back, engines.engine(engine), images, device)
            sides["torch, as written"] = partial(
                there_and_back, as_written(plain), images.contiguous(), device
            )
            times = in_turns(sides, 3 if quick else rounds)
            ours = times.pop("ours")
            for peer, theirs in times.items():
                mine, others = (1000 * statistics.median(each) for each in (ours, theirs))
                ratio = ratio_of(ours, theirs)
                yield compared(case, "ms", mine, peer, others, ratio=ratio, target=TARGET)


def there_and_back(engine: Engine, images: Tensor, device: str) -> Tensor:
    return engine(images.to(device)).cpu()


def as_written(network: nn.Module) -> Engine:
    def run(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return network(images)

    return run


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", choices=CASES, help="one network")
    device_option(parser, "cpu")


if __name__ == "__main__":
    main(measure, __doc__, options)
