"""What every test may use: the real material beside the checkout, and one thread a worker."""

import copy
import functools
import gc
import itertools
import os
import signal
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("STRIATE_SHARED", ROOT.parent / "shared"))

hypothesis.settings.register_profile(
    "striate", deadline=None, derandomize=True, max_examples=25, database=None
)
hypothesis.settings.load_profile("striate")

_caches = itertools.count()

# Where there is no GPU `torch.manual_seed` notes who called, for when one comes; that takes longer
# than most tests.
seed = torch.manual_seed if torch.cuda.is_available() else torch.default_generator.manual_seed


@pytest.fixture(autouse=True)
def _same_start(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every test starts from the same random state and with an empty cache of its own, which lies
    in the test's own folder if it asks for one: making thousands that none asks for takes long."""
    seed(0)
    if "tmp_path" in request.fixturenames:
        cache = request.getfixturevalue("tmp_path") / "cache"
    else:
        cache = tmp_path_factory.getbasetemp() / f"cache-{next(_caches)}"
    monkeypatch.setenv("STRIATE_CACHE", str(cache))


@pytest.fixture(autouse=True)
def _translated_once() -> None:
    """Every export to ONNX builds torch's table of translations anew, which takes more than a
    second; here each takes a copy of the first one's, from the second test with an export on."""
    module = sys.modules.get("torch.onnx._internal.exporter._registration")
    if module is None or hasattr(module, "built_once"):
        return
    module.built_once = functools.cache(module.ONNXRegistry.from_torchlib)  # type: ignore[attr-defined]

    def copied(**options: Any) -> Any:
        table = copy.copy(module.built_once(**options))
        table.functions = {target: list(known) for target, known in table.functions.items()}
        return table

    module.ONNXRegistry.from_torchlib = staticmethod(copied)


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """`shared("data/mnist")` is the path of that real material; skips the test if it is absent."""

    def find(piece: str) -> Path:
        path = SHARED / piece
        if not path.exists():
            pytest.skip(f"{piece} is not in {SHARED}")
        return path

    return find


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """The first worker compiles what the tests import; the others wait for it, as otherwise each
    of them compiles everything in a fresh checkout."""
    if "PYTEST_XDIST_WORKER" not in os.environ or sys.platform == "win32":
        return (yield)
    import fcntl

    with (ROOT / "pyproject.toml").open() as file:  # all workers of this checkout have it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(file, fcntl.LOCK_SH)  # those who wait go on together
        return (yield)


gc.disable()  # while modules are imported and tests collected, of which nothing is garbage


def pytest_collection_finish(session: pytest.Session) -> None:
    """The garbage collector does not search again, every few tests, what all tests share."""
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def interruptible() -> None:
    """Ctrl-C means what it means on a terminal, also where the tests run in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
