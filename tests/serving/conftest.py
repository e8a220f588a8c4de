"""What the service's tests share: a small recognizer, pictures, and a client without a network."""

import asyncio
import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from PIL import Image
from tests.serving.toys import Marking, two_spots

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.serving import Settings, create_app
from striate.tasks.classification.network import Network
from striate.tasks.labels.calibration import Calibration
from striate.tasks.table import TASKS

SOURCE = Path(__file__).parents[2] / "src"


def held(account: Any, seconds: float = 10.0) -> int:
    """Bytes that an account still holds once all are given back, which the end of an answer does a
    moment after a caller has it; or after so many seconds."""
    end = time.monotonic() + seconds
    while account.held and time.monotonic() < end:
        time.sleep(0.01)
    return int(account.held)


class Client:
    """Calls an application in an event loop of its own, from its start to its end."""

    def __init__(self, app: Any, **settings: Any):
        self.app = app
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.stack = AsyncExitStack()
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost", **settings
        )
        self.run(self.stack.enter_async_context(app.router.lifespan_context(app)))

    def run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.run(self.http.get(path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.run(self.http.post(path, **more))

    def upload(self, *files: bytes, model: str = "photos", **query: Any) -> httpx.Response:
        """Pictures called 0.jpg, 1.jpg..."""
        parts = [("file", (f"{k}.jpg", data)) for k, data in enumerate(files)]
        return self.post(f"/v2/models/{model}/upload", files=parts, params=query)

    def together(self, *requests: dict[str, Any]) -> list[httpx.Response]:
        """Several calls at the same time; each a method, a url, and what httpx takes."""

        async def all_of_them() -> list[httpx.Response]:
            return await asyncio.gather(*(self.http.request(**each) for each in requests))

        return self.run(all_of_them())

    def close(self) -> None:
        self.run(self.http.aclose())
        self.run(self.stack.aclose())
        self.run(self.loop.shutdown_default_executor())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


def recognizer(
    *classes: str, seed: int = 0, size: int = 28, fit: str = "squash", threshold: float = 0.0
) -> Recognizer:
    """A network that has learned nothing."""
    torch.manual_seed(seed)
    view = View(size, channels=3, fit=fit)  # type: ignore[arg-type]
    predictor = Network(
        model=create("lenet5", classes=len(classes), channels=3),
        architecture={"name": "lenet5", "options": {"channels": 3}},
        preprocessing=Preprocessing(view, Normalization((127.5,) * 3, (127.5,) * 3)),
        classes=len(classes),
        calibration=Calibration(0.2, threshold),
    )
    return Recognizer(TASKS["classification"], predictor, classes)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A recognizer's file."""
    path = tmp_path / "photos.safetensors"
    recognizer("bars", "dots", "waves").save(path)
    return path


@pytest.fixture
def spots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a recognizer whose task the library does not have; it answers regions."""
    monkeypatch.setitem(TASKS, "marking", Marking())
    path = tmp_path / "spots.safetensors"
    Recognizer(TASKS["marking"], two_spots(), ("dim", "bright")).save(path)
    return path


@pytest.fixture
def serving(model: Path) -> Iterator[Callable[..., Client]]:
    """`serving(queue=3)` is a client of a service with these settings."""
    clients = []

    def make(*models: Path, client: dict[str, Any] | None = None, **settings: Any) -> Client:
        names = tuple(str(each) for each in models or (model,))
        clients.append(Client(create_app(Settings(names, **settings)), **(client or {})))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


@pytest.fixture
def client(serving: Callable[..., Client]) -> Client:
    """A client of a service with one model, called photos."""
    return serving()


@pytest.fixture
def server(model: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str, list[str]]]]:
    """`server("--queue", 3)` starts the command; gives its process, address and log."""
    started = []

    def start(*options: object) -> tuple[subprocess.Popen[str], str, list[str]]:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        command = [sys.executable, "-m", "striate", "serve", model, "--port", port, *options]
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(
            [str(part) for part in command], env=environment, stderr=subprocess.PIPE, text=True
        )
        log: list[str] = []
        reader = threading.Thread(target=lambda: log.extend(process.stderr or ()))
        reader.start()
        started.append((process, reader))
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                if httpx.get(f"{url}/v2/health/ready", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, log
                time.sleep(0.1)
        return process, url, log

    yield start
    for process, reader in started:
        process.kill()
        process.wait()
        reader.join()
        assert process.stderr
        process.stderr.close()


def jpeg(seed: int = 0, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """A picture of noise, as a file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    image = Image.fromarray(pixels).resize(size)
    image.save(buffer, **({"format": "JPEG"} | options))
    return buffer.getvalue()


@pytest.fixture(name="jpeg")
def _jpeg() -> Callable[..., bytes]:
    return jpeg


@pytest.fixture(name="network")
def _network() -> Callable[..., Recognizer]:
    return recognizer
