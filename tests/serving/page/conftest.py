"""A browser, and the service with its page on a port of its own."""

import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from striate.serving import Settings, create_app
from striate.serving.app import PAGE

CHROMIUM = shutil.which("chromium")
SOFTWARE = ("--no-sandbox", "--enable-unsafe-swiftshader")
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")  # Playwright's event loop runs as long; other tests run their own
def browser() -> Iterator[Any]:
    """Chromium without a window; its graphics card is a program, its camera a test picture."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*SOFTWARE, *CAMERA], timeout=60_000
        )
        yield started
        started.close()


@contextlib.contextmanager
def serving(*models: Path, **settings: Any) -> Iterator[str]:
    """The address of a service with these models, for as long as the block lasts."""
    import uvicorn

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = create_app(Settings(tuple(str(each) for each in models), port=port, **settings))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            deadline = time.monotonic() + 60
            while not server.started and thread.is_alive() and time.monotonic() < deadline:
                time.sleep(0.02)
            assert server.started
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Of a service that offers the network of the page of digits, for a whole file of tests."""
    with serving(PAGE / "digits" / "lenet5.safetensors") as started:
        yield started


@pytest.fixture
def site() -> Iterator[Callable[..., str]]:
    """`site(model, allow_links=True)` starts a service and gives its address."""
    with contextlib.ExitStack() as stack:
        yield lambda *models, **settings: stack.enter_context(serving(*models, **settings))


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """`opened(address)` is a tab that shows it; what fails in its scripts fails the test."""
    contexts, errors = [], []

    def visit(address: str, *, before: str = "", **options: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1200, "height": 850}} | options))
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(30_000)
        tab.on("pageerror", lambda error: errors.append(str(error)))
        if before:
            tab.add_init_script(before)
        tab.goto(address)
        return tab

    yield visit
    for context in contexts:
        context.close()
    assert errors == []
