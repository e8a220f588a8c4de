"""What computes a network fastest here: measured once on this machine, and remembered.

torch as it is, torch compiled, ONNX Runtime and OpenVINO compute the same products in the same
precision; which is ahead depends on the network, on the batch and on the processor.
"""

import hashlib
import json
import logging
import platform
import statistics
import time
from collections.abc import Callable
from copy import deepcopy
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from striate.errors import MissingExtra, UnknownName, UserError, one_line
from striate.files import cache_folder, writing
from striate.inference.devices import device_of
from striate.inference.program import Graph
from striate.progress import stage

logger = logging.getLogger(__name__)

Engine = Callable[[Tensor], Tensor]
"""Images (N, C, S, S), normalized, to the outputs of a network (N, numbers)."""
Builder = Callable[[nn.Module, tuple[int, int, int]], Engine]

FEW, MANY = 1, 32  # the batches that are measured
BETWEEN = 8  # from which a batch counts as many
WARM, ROUNDS = 2, 5


def by_torch(network: nn.Module, shape: tuple[int, int, int]) -> Engine:
    """The network itself."""
    network.eval()

    def run(images: Tensor) -> Tensor:
        with torch.inference_mode():
            return network(images).clone()

    return run


def by_compiling(network: nn.Module, shape: tuple[int, int, int]) -> Engine:
    """torch.compile with the weights as constants; every size of batch is compiled by itself."""
    import torch._inductor.config as inductor

    with inductor.patch(freezing=True):
        compiled = torch.compile(network.eval(), dynamic=False)

    def run(images: Tensor) -> Tensor:
        with torch.no_grad(), inductor.patch(freezing=True):
            return compiled(images)

    return run


def by_runtime(
    name: Literal["onnxruntime", "openvino"], network: nn.Module, shape: tuple[int, int, int]
) -> Engine:
    """Another runtime, on the CPU, in single precision."""
    from striate.inference.conversion import settled
    from striate.inference.runtimes import run_in_memory

    images = torch.zeros(2, *shape)
    ready = settled(deepcopy(network), images)
    runtime = run_in_memory(Graph(ready, (images,), {"images": {0: "N"}}, ("outputs",)), name)

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(runtime.run({"images": images.contiguous().numpy()})["outputs"])

    return run


EVERYWHERE = ("torch", "compiled")  # engines that compute on any device of torch's
ENGINES: dict[str, tuple[Builder, tuple[str, ...]]] = {
    "torch": (by_torch, ()),
    "compiled": (by_compiling, ()),
    "onnxruntime": (partial(by_runtime, "onnxruntime"), ("onnx", "onnxruntime", "onnxscript")),
    "openvino": (partial(by_runtime, "openvino"), ("onnx", "onnxscript", "openvino")),
}
"""Every engine, and the packages it needs."""


def installed() -> list[str]:
    """The engines that this machine has."""
    return [name for name, (_, needs) in ENGINES.items() if all(find_spec(p) for p in needs)]


class Engines:
    """A network computed by the engine of that name, or by the fastest for each batch ("auto").

    Attributes:
        device: where it computes; images may lie anywhere, and outputs come back to the CPU.

    Raises:
        UnknownName: if there is no such engine.
        MissingExtra: if it is not installed.
    """

    def __init__(self, network: nn.Module, shape: tuple[int, int, int], name: str = "torch"):
        if name != "auto" and name not in ENGINES:
            raise UnknownName("engine", name, [*ENGINES, "auto"])
        if name != "auto" and name not in installed():
            raise MissingExtra(f"the engine {name}", "export")
        self.network, self.shape, self.name = network, shape, name
        self.device = device_of(network)
        self.built: dict[str, Engine] = {}

    def __call__(self, images: Tensor) -> Tensor:
        name = self.name
        if name == "auto":
            name = self.choice[str(MANY if len(images) >= BETWEEN else FEW)]
        return self.engine(name)(images.to(self.device)).cpu()

    def to(self, device: str | torch.device) -> None:
        """Moves the network to a device.

        Raises:
            UserError: if the engine computes on the CPU alone.
        """
        device = torch.device(device)
        if device.type != "cpu" and self.name not in EVERYWHERE:
            raise UserError(f"--engine {self.name} is for the CPU; leave out --device {device}")
        self.network.to(device)
        self.device = device
        self.built.clear()

    def engine(self, name: str) -> Engine:
        """That one, built when it is first asked for."""
        if name not in self.built:
            build, _ = ENGINES[name]
            self.built[name] = build(self.network, self.shape)
        return self.built[name]

    @cached_property
    def choice(self) -> dict[str, str]:
        """The fastest engine for few images and for many, as remembered or measured now."""
        path = cache_folder() / "engines" / f"{self.key()}.json"
        try:
            known = json.loads(path.read_text())
            if all(known[str(size)] in installed() for size in (FEW, MANY)):
                return known
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing is remembered yet, or nothing that can be read
        found = self.measured()
        with writing(path) as temporary:
            temporary.write_text(json.dumps(found))
        return found

    def measured(self, sizes: tuple[int, ...] = (FEW, MANY)) -> dict[str, str]:
        """The engine with the lowest median time at each size of batch; all take turns."""
        names, fastest = installed(), {}
        with stage("which engine is fastest here", len(sizes) * len(names)) as bar:
            for size in sizes:
                images = torch.randn(size, *self.shape)
                images = images.contiguous(memory_format=torch.channels_last)
                seconds: dict[str, list[float]] = {}
                for name in names:
                    try:
                        for _ in range(WARM):
                            self.engine(name)(images)
                        seconds[name] = []
                    except Exception as error:  # one that cannot compute it is not a candidate
                        if name == "torch":
                            raise
                        logger.warning(
                            "the engine %s cannot compute this network: %s", name, one_line(error)
                        )
                    bar.advance(1)
                for _ in range(ROUNDS):
                    for name, times in seconds.items():
                        start = time.perf_counter()
                        self.engine(name)(images)
                        times.append(time.perf_counter() - start)
                fastest[str(size)] = min(seconds, key=lambda name: statistics.median(seconds[name]))
        return fastest

    def key(self) -> str:
        """What the choice depends on: processor, threads, versions, and the network's form."""
        parts = [platform.machine(), processor(), str(torch.get_num_threads()), str(self.shape)]
        for package in ("torch", "onnxruntime", "openvino"):
            try:
                parts.append(f"{package} {version(package)}")
            except PackageNotFoundError:
                parts.append(f"no {package}")
        form = [str(self.network), *map(str, (t.shape for t in self.network.state_dict().values()))]
        return hashlib.sha256("\n".join(parts + form).encode()).hexdigest()[:32]


def processor() -> str:
    """What this machine's processor is called, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
