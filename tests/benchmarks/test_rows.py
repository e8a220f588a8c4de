"""Every benchmark gives rows of one form, also where a peer is absent: on toy sizes, or with what
takes long replaced by its result."""

import importlib
import json
import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from striate.handcrafted.selective_search import Strategies

FOLDER = Path(__file__).parents[2] / "benchmarks"
STUDIES = (
    "dbn",
    "faces_folds",
    "retrieval_sets",
    "text_sets",
)  # of accuracy, with tables of their own
RUNS_ALL = ("everything",)
NAMES = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if not path.stem.startswith("_") and path.stem not in (*STUDIES, *RUNS_ALL)
)
KEYS = ["case", "unit", "ours", "peer", "theirs", "ratio", "target"]

Patch = pytest.MonkeyPatch
Toy = Callable[[ModuleType, Patch], dict[str, Any]]
"""Makes a benchmark small; gives the options of its own to measure with."""


@pytest.fixture
def load(monkeypatch: Patch) -> Iterator[Callable[[str], ModuleType]]:
    """Imports a benchmark anew, as `python benchmarks/NAME.py` finds its neighbors."""
    monkeypatch.syspath_prepend(str(FOLDER))
    threads = torch.get_num_threads()
    before = set(sys.modules)
    yield importlib.import_module
    torch.set_num_threads(threads)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]


def augment(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "SIDE", 16)
    patch.setattr(module, "EVERYTHING", module.Augmentation(size=8))
    peers = dict(module.PEERS)
    patch.setattr(module, "PEERS", {**peers, "numpy": lambda images: lambda: images})
    patch.setattr(module, "TARGETS", {**module.TARGETS, "numpy": None})
    return {}


def compare(module: ModuleType, patch: Patch) -> dict[str, Any]:
    learned = SimpleNamespace(seconds={"decode": 0.5, "features": 1.0, "classifier": 2.0})
    task = SimpleNamespace(score_title="top-1")

    def run(task_: Any, data: Any, plan: Any) -> Any:
        scores = SimpleNamespace(value=0.9) if plan.name != "scratch" else None
        about = SimpleNamespace(task=task)
        return SimpleNamespace(learned=learned, scores=scores, recognizer=about, name=plan.name)

    class Task:
        compared = ("transfer", "scratch")

        def prepare(self, dataset: Any, plans: Any) -> Any:
            return SimpleNamespace(pixels=[SimpleNamespace(size=28)])

    class Wishes:
        def plans(self, task: Any, names: Any, seed: int) -> Any:
            return [SimpleNamespace(name=name) for name in names]

    patch.setattr(module, "open_data", lambda name: range(4))
    patch.setattr(module, "task_of", lambda dataset: Task())
    patch.setattr(module, "Wishes", Wishes)
    patch.setattr(module, "run", run)
    return {}


def detection(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "BOXES", (20,))
    patch.setattr(module, "REGIONS", 4)
    patch.setattr(module, "MAPS", (2, 38, 63))
    patch.setattr(module, "BACKBONE", "resnet18")
    patch.setattr(module, "SIDE", 64)
    small = SimpleNamespace(images=[np.zeros((40, 60, 3), np.uint8)])
    patch.setattr(module, "load_sample_images", lambda: small)
    quick = Strategies(colors=("hsv",), likenesses=("CTSF",), scales=(100,), side=32)
    few = module.RegionSettings(regions=4, strategies=quick)
    patch.setattr(module, "RegionSettings", lambda: few)
    return {}


def evaluation(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "CASES", {"lenet5": (36, 4)})
    return {}


def handcrafted(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "GRIDS", ((32, 8, (3,)),))
    patch.setattr(module, "SAMPLES", 800)
    patch.setattr(module, "WORDS", 16)
    patch.setattr(module, "ROWS", 40)
    return {}


def inference(module: ModuleType, patch: Patch) -> dict[str, Any]:
    class Engines:
        def __init__(self, network: nn.Module, shape: Any, name: str):
            self.network, self.choice = network, {"1": "torch"}

        def __call__(self, images: torch.Tensor) -> torch.Tensor:
            return self.network(images)

        def engine(self, name: str) -> Any:
            if name != "torch":
                raise RuntimeError(f"no {name} here")
            return self

    patch.setattr(module, "Engines", Engines)
    return {"only": "lenet5"}


def start(module: ModuleType, patch: Patch) -> dict[str, Any]:
    """Its own commands are run; nothing is learned or predicted."""
    (folder := Path("photos")).mkdir()
    (folder / "one.jpg").touch()
    run = module.run
    quick = lambda *command: None if {"train", "predict", "models"} & {*command} else run(*command)
    patch.setattr(module, "run", quick)
    return {"folder": folder}


def int8(module: ModuleType, patch: Patch) -> dict[str, Any]:
    from striate import exporting, recognizer
    from striate.tasks import opening

    cost = exporting.Cost(10, "top-1", 0.9, 0.8, (-0.2, 0.1), 4_000_000, 1_000_000, 2.0, 8)
    patch.setattr(module, "run", lambda *command: None)
    patch.setattr(opening, "open", lambda folder: None)
    patch.setattr(recognizer, "load_trained", lambda path: None)
    patch.setattr(exporting, "export", lambda found, path, to: None)
    patch.setattr(exporting, "round_with", lambda path, dataset: cost)
    (folder := Path("photos")).mkdir()
    return {"folder": folder}


def cost(module: ModuleType, patch: Patch) -> dict[str, Any]:
    (where := Path("mnist")).mkdir()
    patch.setattr(module, "digits", lambda folder, count: count)
    patch.setattr(
        module,
        "comparison",
        lambda count: ({"Transfer": 2.0}, {"Transfer": count / 100}, {"Transfer": 0.9}),
    )
    return {"folder": where}


def input_(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "SHARED", Path("nowhere"))
    patch.setattr(module, "MADE", 4)
    patch.setattr(module, "LARGE", (300, 400))
    patch.setattr(module, "DataLoader", lambda data, size, **_: [data[0]] * 2)
    return {}


def main_job(module: ModuleType, patch: Patch) -> dict[str, Any]:
    (where := Path("photos/train")).mkdir(parents=True)
    lines = {
        "striate transfer": [{"seconds": 10.0, "top1": 0.9}],
        "plain torch": [{"seconds": 30.0, "top1": 0.8}, {"seconds": 60.0, "top1": 0.91}],
        "Lightning": [{"seconds": 50.0, "top1": 0.7}],
    }
    patch.setattr(module, "outcome", lambda name, *_: (lines.get(name, []), "not installed"))
    return {"folder": where.parent}


def networks(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "CASES", {"lenet5": lambda: nn.Sequential(nn.Flatten())})
    patch.setattr(module, "create", lambda name: nn.Sequential(nn.Conv2d(3, 2, 3)))
    known = SimpleNamespace(image_size=8)
    patch.setattr(module, "NETWORKS", {"lenet5": known})
    patch.setattr(module, "FOLDED_SIDE", 8)
    return {}


def occlusion(module: ModuleType, patch: Patch) -> dict[str, Any]:
    sizes = {"SIDE": 32, "SIZE": 8, "STRIDE": 8, "CAPTUM_STRIDE": 8, "CHECKED": 6}
    tables = {"BATCHES": (1, 2), "TARGETS": {"resnet20": 1.0}, "TOGETHER": {"resnet20": 2}}
    for name, value in {**sizes, **tables}.items():
        patch.setattr(module, name, value)
    patch.setenv("STRIATE_SHARED", "nowhere")
    return {"network": None, "approximate": False}


def dreams(module: ModuleType, patch: Patch) -> dict[str, Any]:
    small = module.Preprocessing(module.View(32), module.LITE.normalization)
    nets = [("a", lambda: (module.create("resnet20"), small, lambda picture, unit: 0.5), (7,))]
    patch.setattr(module, "NETWORKS", [*nets, ("vgg16", module.vgg, ())])
    patch.setattr(module, "CLASSES", {7: "horse"})
    patch.setattr(module, "SIDE", 32)
    patch.setattr(module, "lucent_of", lambda steps: lambda *_: np.zeros((32, 32, 3), np.uint8))
    patch.setenv("STRIATE_SHARED", "nowhere")
    return {"sheet_at": Path("dreams.png")}


def published_weights(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "SHARED", Path("nowhere"))
    return {}


def response_normalization(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "CASES", {"small": ((2, 8, 3, 3), 6.0)})
    return {}


def selective_search(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "SCENE", (48, 64))
    patch.setattr(module, "SCALES", (100,))
    patch.setattr(module, "selective_search", lambda image, **_: image)
    patch.setattr(module, "pieces", lambda *_: np.arange(48 * 64).reshape(48, 64) // 768)
    patch.setattr(module, "Strategies", lambda **_: SimpleNamespace(colors=("hsv",), scales=(100,)))
    return {}


def serving(module: ModuleType, patch: Patch) -> dict[str, Any]:
    calls = ("openvino", [0.1 + 0.001 * k for k in range(200)], 3, 4.0, 20.0, (3.0, 15.0, 17.0))
    patch.setattr(module, "throughput", lambda *_: module.compared_to_engine(*calls))
    return {}


def serving_processes(module: ModuleType, patch: Patch) -> dict[str, Any]:
    calls = [(0.1 * k, 0.02 + 0.001 * (k % 7), 200) for k in range(100)]
    log = "a call lost process 1; the next one gets it"

    def both(*_: Any) -> Iterator[Any]:
        yield from module.beside({"ours": [22.0], "theirs": [20.0]}, {"ours": [9], "theirs": [8]})
        yield from module.of_load(calls, 5.0, 10.0, True, log)

    patch.setattr(module, "overhead", both)
    return {}


def speech(module: ModuleType, patch: Patch) -> dict[str, Any]:
    def missing(name: str) -> ModuleType:
        raise ImportError(f"no {name} here")

    patch.setattr(module, "peer_module", missing)
    patch.setattr(module, "RECORDINGS", 10)
    patch.setattr(module, "WORDS", 5)
    return {}


def segmentation(module: ModuleType, patch: Patch) -> dict[str, Any]:
    def missing(name: str) -> ModuleType:
        raise ImportError(f"no {name} here")

    patch.setattr(module, "peer_module", missing)
    patch.setattr(module, "BATCH", 1)
    patch.setattr(module, "SIDE", 64)
    patch.setattr(module, "CLASSES", 3)
    patch.setattr(module, "HEIGHT", 20)
    patch.setattr(module, "WIDTH", 30)
    patch.setattr(module, "LABELS", 3)
    return {}


def text(module: ModuleType, patch: Patch) -> dict[str, Any]:
    words = ("good", "bad", "film", "plot", "very", "rather")
    lines = [
        f"{number % 2}\t{' '.join(np.random.default_rng(number).choice(words, 8))} {number}"
        for number in range(60)
    ]
    Path("sentences.tsv").write_text("\n".join(lines))
    patch.setattr(module, "BATCH", 10)
    patch.setattr(module, "SIZE", 5)
    return {"sentences": Path("sentences.tsv")}


def training(module: ModuleType, patch: Patch) -> dict[str, Any]:
    class Side:
        def __init__(self, name: str, case: str, threads: int):
            self.name, self.times = name, list[float]()
            self.state = {"absent": "No module named 'fastai'"} if name == "fastai" else {"warm": 9}

        def turn(self) -> None:
            self.times.append(0.5 if self.name == "ours" else 1.0)

        def __enter__(self) -> "Side":
            return self

        def __exit__(self, *error: object) -> None:
            pass

    patch.setattr(module, "Side", Side)
    patch.setattr(module, "peak", lambda device: 1e11)
    patch.setattr(module, "operations", lambda case: 1e9)
    return {"threads": torch.get_num_threads()}


def trust(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "SHARED", Path("nowhere"))
    patch.setattr(module, "COUNTS", (2_000, 4_000))
    return {}


def locally_connected(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "CASES", {"small": (3, 1, 6)})
    patch.setattr(module, "CHANNELS", 2)
    return {}


def style(module: ModuleType, patch: Patch) -> dict[str, Any]:
    layers: dict[str, nn.Module] = {}
    for number in range(1, 6):
        for place in (1, 2):
            conv = nn.Conv2d(4 if layers else 3, 4, 3, padding=1)
            layers[f"conv{number}_{place}"] = nn.Sequential(conv, nn.ReLU())
        layers[f"pool{number}"] = nn.MaxPool2d(2)
    network = module.Stages({**layers, "fc": nn.Flatten()}, channels=3)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    patch.setattr(module, "material", lambda: (network, *pictures))
    return {}


def generation(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "CASES", {"small": (8, 1, 4, 8)})
    return {}


def group(module: ModuleType, patch: Patch) -> dict[str, Any]:
    class Still(module.Side):  # type: ignore[name-defined,misc]
        def __init__(self, processes: int, threads: int, options: list[str]):
            self.turns: list[dict[str, float]] = []
            assert options == ["32", "96", "4"]

        def turn(self) -> None:
            self.turns.append({"seconds": 2.0, "processor": 3.0})

        def __exit__(self, *error: object) -> None:
            pass

    patch.setattr(module, "Side", Still)
    return {}


def scale(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "WAITING", {"both are as slow": (0.002, 0.001)})
    patch.setattr(module, "NETWORK", ("lenet5", 28))
    patch.setattr(module, "BATCH", 4)
    patch.setattr(module, "FILES", 8)
    done = {"processor": 2.0, "clock": 3.0, "memory": 400.0}
    patch.setattr(module, "told", lambda model, folder, out: done)
    patch.setattr(module, "started", lambda address, workers: nullcontext())
    patch.setattr(module, "steady", lambda *_: (10.0, 0.01))
    return {}


def plan(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr("serving.FILES", 2)
    patch.setattr(module, "NETWORKS", {"resnet18": 32})
    patch.setattr(module, "ENGINE", "torch")
    patch.setattr(module, "BATCHES", (1, 2))
    patch.setattr(module, "busiest", lambda *_: (10.0, 0.5))
    return {"draw": "drawn.svg"}


def retrieval(module: ModuleType, patch: Patch) -> dict[str, Any]:
    patch.setattr(module, "WIDTH", 8)
    patch.setattr(module, "QUERIES", (1, 3))
    patch.setattr(module, "ASKED", 4)
    return {"rows": 300, "rounds": 1, "exact": False, "folder": None}


TOYS: dict[str, Toy] = {
    "locally_connected": locally_connected,
    "augment": augment, "compare": compare, "cost": cost, "detection": detection, "dreams": dreams,
    "evaluation": evaluation,
    "generation": generation, "group": group,
    "handcrafted": handcrafted, "int8": int8, "inference": inference, "input": input_,
    "main_job": main_job,
    "networks": networks, "occlusion": occlusion, "plan": plan,
    "published_weights": published_weights,
    "response_normalization": response_normalization, "retrieval": retrieval, "scale": scale,
    "selective_search": selective_search,
    "segmentation": segmentation, "start": start, "serving": serving,
    "serving_processes": serving_processes, "speech": speech, "style": style,
    "text": text,
    "training": training, "trust": trust,
}  # fmt: skip


def test_every_benchmark_is_tried() -> None:
    assert sorted(TOYS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_of_one_form(
    name: str, load: Callable[[str], ModuleType], monkeypatch: Patch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    module, rows = load(name), load("_rows")
    own = TOYS[name](module, monkeypatch)
    monkeypatch.setattr(sys, "argv", [name, "--quick", "--json"])

    def measure(quick: bool) -> Iterator[Any]:
        assert quick
        return module.measure(quick, **own)

    rows.main(measure, module.__doc__)
    lines = capsys.readouterr().out.splitlines()
    assert lines
    for line in lines:
        row = json.loads(line, parse_constant=pytest.fail)  # no NaN, no Infinity
        assert list(row) == KEYS
        assert all(isinstance(row[key], str) for key in ("case", "unit", "peer"))
        assert row["case"]
        assert row["peer"]
        for key in ("ours", "theirs", "ratio", "target"):
            assert row[key] is None or isinstance(row[key], float | int)
        if row["ratio"] is None:
            assert "not measured (" in row["peer"] or row["peer"].startswith("no peer")
        else:
            assert row["ratio"] >= 0
            assert row["ours"] is not None
            assert row["theirs"] is not None


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_takes_quick_and_json(
    name: str, load: Callable[[str], ModuleType], monkeypatch: Patch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    load("_rows")
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    assert ended.value.code == 0
    words = capsys.readouterr().out
    assert "--quick" in words
    assert "--json" in words


@pytest.mark.parametrize("name", ["inference", "training"])
def test_a_gpu_that_is_not_there_is_a_line(
    name: str, load: Callable[[str], ModuleType], monkeypatch: Patch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    module, rows, asked = load(name), load("_rows"), list[Any]()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    def measure(**given: Any) -> list[Any]:
        asked.append(given["device"])
        return []

    monkeypatch.setattr(sys, "argv", [name, "--device", "cpu"])
    rows.main(measure, None, module.options)
    monkeypatch.setattr(sys, "argv", [name, "--device", "cuda"])
    with pytest.raises(SystemExit) as ended:
        rows.main(measure, None, module.options)
    assert (asked, ended.value.code) == (["cpu"], 2)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.endswith("--device cuda: torch finds no GPU here; give --device cpu")


def test_cases_of_a_device_alone(load: Callable[[str], ModuleType], monkeypatch: Patch) -> None:
    module = load("training")
    own = training(module, monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    cases = {
        device: {row.case.partition(",")[0] for row in module.measure(True, device=device, **own)}
        for device in ("cpu", "cuda", None)
    }
    assert cases["cpu"] | cases["cuda"] == cases[None] == set(module.CASES)
    assert cases["cuda"] == {name for name in cases[None] if name.startswith("gpu-")}


def test_inference_goes_to_a_device_and_back(
    load: Callable[[str], ModuleType], monkeypatch: Patch
) -> None:
    """Nothing is chosen there, and other runtimes are not asked."""
    module, back = load("inference"), list[str]()
    monkeypatch.setattr(module, "EVERYWHERE", ("torch",))
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: back.append(str(tensor.device)))

    def in_turns(sides: Any, rounds: int) -> dict[str, list[float]]:
        for run in sides.values():
            run()
        return {name: [1.0] for name in sides}

    monkeypatch.setattr(module, "in_turns", in_turns)
    rows = list(module.measure(True, "lenet5", "meta"))
    assert [row.peer for row in rows] == ["torch", "torch, as written"]
    assert {row.case for row in rows} == {"lenet5, batch 1: meta"}
    assert back == ["meta"] * 3


def test_ratios_above_one_are_ahead(load: Callable[[str], ModuleType]) -> None:
    rows = load("_rows")
    assert rows.compared("speed", "img/s", 30.0, "peer", 10.0).ratio == 3
    assert rows.compared("time", "ms", 10.0, "peer", 25.0, less=True).ratio == 2.5
    assert rows.compared("nothing", "ms", 0.0, "peer", 0.0, less=True).ratio == 1
    assert rows.ratio_of([1.0, 2.0, 4.0], [2.0, 6.0, 8.0]) == 2


def test_both_sides_run_in_turns(load: Callable[[str], ModuleType]) -> None:
    rows, calls = load("_rows"), list[str]()
    times = rows.in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3  # once unmeasured
    assert {name: len(each) for name, each in times.items()} == {"a": 2, "b": 2}
    row = rows.paired("case", lambda: None, lambda: sum(range(100_000)), peer="p", rounds=3)
    assert row.unit == "ms"
    assert row.ratio > 1


def test_an_absent_peer_is_a_row_with_its_reason(load: Callable[[str], ModuleType]) -> None:
    rows = load("_rows")
    with pytest.raises(ImportError) as caught:
        rows.peer_module("no_such_peer")
    row = rows.absent("case", "ms", "a peer", caught.value, 2.0)
    assert row.peer == "a peer: not measured (No module named 'no_such_peer')"
    assert (row.ours, row.theirs, row.ratio, row.target) == (None, None, None, 2.0)


def test_the_table_has_a_line_a_row(
    load: Callable[[str], ModuleType], monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = load("_rows")
    monkeypatch.setattr(sys, "argv", ["x"])
    made = [rows.compared("a case", "ms", 1234.5, "a peer", 2469.0, less=True, target=1.5),
            rows.alone("another", "s", 2.0)]  # fmt: skip
    rows.main(lambda quick: made, "What it is.\n\nMore.")
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["case", "ours", "theirs", "ratio", "target", "peer"]
    assert first.split() == ["a", "case", "1,234", "ms", "2,469", "ms", "2", "1.5", "a", "peer"]
    assert second.split() == ["another", "2", "s", "-", "-", "-", "no", "peer"]
