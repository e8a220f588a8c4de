"""The engine that computes a detecting network: torch, or its graph in another runtime."""

import hashlib
import json
import statistics
import time
from importlib.metadata import version

import numpy as np
import torch

from striate.errors import MissingExtra, ModelError, UnknownName
from striate.files import cache_folder, writing
from striate.inference.engines import ENGINES, installed, processor
from striate.inference.runtimes import run_in_memory
from striate.progress import stage
from striate.tasks.contract import Predictor
from striate.tasks.detection.exported import ExportedDetector
from striate.tasks.detection.networks import NetworkPredictor

CANDIDATES = ("torch", "onnxruntime")
ROUNDS = 5  # of the measurement
SHAPE = (480, 640, 3)  # of the picture that is measured


def computed_by(predictor: NetworkPredictor, engine: str) -> Predictor:
    """The same, computed by that engine; "auto" is the fastest of those installed.

    Raises:
        UnknownName, ModelError, MissingExtra: as `Predictor.computed_by` says.
    """
    if engine == "torch":
        return predictor
    if engine == "auto":
        return fastest(predictor)
    if engine not in ENGINES:
        raise UnknownName("engine", engine, [*ENGINES, "auto"])
    if engine != "onnxruntime":
        raise ModelError(f"--engine {engine}: a detector is computed by torch or onnxruntime")
    if engine not in installed():
        raise MissingExtra(f"the engine {engine}", "export")
    runtime = run_in_memory(predictor.graph(), "onnxruntime")
    return ExportedDetector(runtime, predictor.classes, predictor.size, predictor.scaling.bits)


def fastest(predictor: NetworkPredictor) -> Predictor:
    """By torch or by a runtime, as remembered for such a network on this machine, or measured now
    on a picture of noise."""
    path = cache_folder() / "engines" / f"{key(predictor)}.json"
    names = [name for name in CANDIDATES if name in installed()]
    try:
        known = json.loads(path.read_text())["detector"]
        if known in names:
            return computed_by(predictor, known)
    except (OSError, ValueError, LookupError, TypeError):
        pass  # nothing is remembered yet, or nothing that can be read
    pixels = np.random.default_rng(0).integers(0, 256, SHAPE, dtype=np.uint8)
    seconds, made = {}, {}
    with stage("which engine is fastest here", len(names)) as bar:
        for name in names:
            made[name] = computed_by(predictor, name)
            seconds[name] = _median(made[name], pixels)
            bar.advance()
    found = min(seconds, key=lambda name: seconds[name])
    with writing(path) as temporary:
        temporary.write_text(json.dumps({"detector": found}))
    return made[found]


def _median(predictor: Predictor, pixels: np.ndarray) -> float:
    """Seconds for a picture, from its pixels to its boxes."""
    times = []
    for _ in range(1 + ROUNDS):
        start = time.perf_counter()
        predictor.predict([predictor.prepare(pixels)])
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def key(predictor: NetworkPredictor) -> str:
    """What the choice depends on: processor, threads, versions, and the network's form."""
    parts = [processor(), str(torch.get_num_threads()), json.dumps(predictor.header())]
    parts += [f"{name} {version(name)}" for name in installed() if name in CANDIDATES]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
