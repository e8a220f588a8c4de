"""Processes behind a front that die, hang on a broken file or are replaced: no call is lost.

All but the last tests have toys for processes, which start in a moment.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import psutil
import pytest

from striate.errors import UserError
from striate.serving import Settings, fleet, member, open_keys
from striate.serving.app import build
from striate.serving.fleet import Fleet
from striate.serving.process import sweep

TOY = (sys.executable, "-S", "-E", str(Path(__file__).parent / "toy_process.py"))
UPLOAD = "/v2/models/photos/upload"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The toys' model; after a death the next one is started in a tenth of a second."""
    monkeypatch.setattr(member, "PROGRAM", TOY)
    monkeypatch.setattr(fleet, "WAIT", 0.1)
    path = tmp_path / "photos.safetensors"
    path.write_text("first")
    return path


@contextlib.asynccontextmanager
async def service(model, workers=2, **settings):
    """A front in this process: its fleet, and a client."""
    settings = Settings((str(model),), workers=workers, **settings)
    some = Fleet(settings)
    await some.start()
    app = build(settings, fleet=some)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield some, client


async def until(true, seconds=30.0):
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def processes(some):
    return [each.process.pid for each in some.members]


@contextlib.asynccontextmanager
async def load(client, callers=8):
    """Callers, one call after the other until the block ends: what was answered."""
    answers, statuses, going = [], Counter(), True

    async def call():
        while going:
            answer = await client.post(UPLOAD, content=b"x" * 1000)
            statuses[answer.status_code] += 1
            answers.append(answer.json())

    calls = [asyncio.create_task(call()) for _ in range(callers)]
    await until(lambda: len(answers) > 50)
    yield answers
    goal = len(answers) + 50
    await until(lambda: len(answers) > goal)
    going = False
    await asyncio.gather(*calls)
    assert set(statuses) == {200}
    assert {each["size"] for each in answers} == {1000}


def test_calls_go_to_all_and_survive_the_death_of_any(toy):
    async def run():
        async with service(toy) as (some, client):
            first = processes(some)
            async with load(client) as answers:
                assert {each["process"] for each in answers} == {*first}
                os.kill(first[0], signal.SIGKILL)
                await until(lambda: processes(some)[0] != first[0])
                again = processes(some)[0]
                await until(lambda: again in {each["process"] for each in answers})
            assert processes(some)[1] == first[1]

    asyncio.run(run())


@pytest.mark.parametrize("body", [b"die once", b"half"])
def test_a_call_whose_process_dies_with_it_is_answered_by_the_next(toy, body):
    """Before its answer began, and in the middle of it."""

    async def run():
        async with service(toy, workers=1) as (some, client):
            (first,) = processes(some)
            answer = await client.post(UPLOAD, content=body)
            assert answer.status_code == 200
            assert answer.json()["process"] != first

    asyncio.run(run())


def test_an_input_that_ends_every_process_ends_three(toy, caplog):
    async def run():
        async with service(toy) as (some, client):

            async def going():
                first = some._started
                await until(lambda: some._started > first)  # one has died
                toy.with_name("go").touch()

            # The good call may be with the same processes, but for the third.
            bad, good, _ = await asyncio.gather(
                client.post(UPLOAD, content=b"die"), client.post(UPLOAD, content=b"wait"), going()
            )
            assert (bad.status_code, bad.json()["status"]["code"]) == (500, 98004)
            assert "3 processes" in bad.json()["status"]["details"]
            assert caplog.text.count("ended by SIGKILL") <= 3
            assert good.status_code == 200
            await until(lambda: some.ready)
            assert (await client.post(UPLOAD, content=b"x")).status_code == 200

    asyncio.run(run())


def test_replaced_one_after_the_other_under_load(toy):
    async def run():
        async with service(toy) as (some, client):
            first = processes(some)
            async with load(client) as answers:
                toy.write_text("second")
                some.renew()
                await until(lambda: not {*first} & {*processes(some)})
                await until(lambda: answers[-1]["model"] == "second")
            assert {each["model"] for each in answers} == {"first", "second"}
            for each in first:
                await until(lambda each=each: not Path(f"/proc/{each}").exists())

    asyncio.run(run())


def test_a_process_that_is_replaced_ends_after_its_answers(toy):
    async def run():
        async with service(toy, workers=1) as (some, client):
            (first,) = processes(some)
            slow = asyncio.create_task(client.post(UPLOAD, content=b"wait"))
            await until(lambda: some.members[0].calls)
            some.renew()
            await until(lambda: processes(some) != [first])
            await asyncio.sleep(0.1)
            toy.with_name("go").touch()
            assert (await slow).json()["process"] == first
            assert (await client.post(UPLOAD, content=b"x")).json()["process"] != first

    asyncio.run(run())


def test_a_broken_file_leaves_the_old_processes_serving(toy, caplog, monkeypatch):
    async def run():
        async with service(toy) as (some, client):
            first = processes(some)
            async with load(client):
                toy.write_text("broken")
                some.renew()
                await until(lambda: "not replaced: the model is broken" in caplog.text)
                assert processes(some) == first
                # One that dies now cannot be started; it is tried again, and not in a circle.
                os.kill(first[0], signal.SIGKILL)
                started = some._started
                await asyncio.sleep(1.2)
                assert 1 <= some._started - started <= 3  # after 0.1, 0.3 and 0.7 s, and more
                toy.write_text("good")
                await until(lambda: processes(some)[0] != first[0])

    asyncio.run(run())
    assert "process 1 was ended by SIGKILL; another takes its place" in caplog.text


def test_without_a_process_calls_wait_and_health_tells(toy):
    async def run():
        async with service(toy, workers=1, deadline=0.3) as (some, client):
            assert (await client.get("/v2/health/ready")).status_code == 200
            toy.write_text("broken")
            some.members[0].kill()
            await until(lambda: not some.ready)
            health = await client.get("/v2/health/ready")
            assert (health.status_code, health.json()) == (503, {"ready": False})
            assert (await client.get("/v2/health/live")).status_code == 200
            late = await client.post(UPLOAD, content=b"x")
            assert (late.status_code, late.headers["retry-after"]) == (503, "5")
            waiting = asyncio.create_task(client.post(UPLOAD, content=b"x"))
            toy.write_text("good")
            assert (await waiting).status_code in (200, 503)
            await until(lambda: some.ready)
            assert (await client.post(UPLOAD, content=b"x")).status_code == 200

    asyncio.run(run())


def test_a_caller_who_leaves_is_not_worked_for(toy):
    async def run():
        async with service(toy, workers=1) as (some, client):
            call = asyncio.create_task(client.post(UPLOAD, content=b"wait"))
            await until(lambda: some.members[0].calls)
            call.cancel()
            await until(lambda: not some.members[0].calls)

    asyncio.run(run())


def test_what_a_process_cannot_start_with_ends_the_service(toy):
    toy.write_text("broken")

    async def run():
        with pytest.raises(UserError, match="the model is broken"):
            async with service(toy):
                pass

    asyncio.run(run())


def test_what_a_killed_front_leaves_is_swept_by_the_last_process(tmp_path):
    first, second = tmp_path / "sockets" / "1.sock", tmp_path / "sockets" / "2.sock"
    first.parent.mkdir()
    for each in (first, second):
        each.touch()
    sweep(first)
    assert [*first.parent.iterdir()] == [second]
    sweep(second)
    assert not first.parent.exists()
    sweep(second)  # somebody was faster


def test_a_limit_of_what_waits_is_that_of_all_together():
    assert Fleet(Settings((), workers=3, queue=512)).settings.queue == 171
    assert Fleet(Settings((), workers=4, queue=2)).settings.queue == 1


def test_a_process_that_lives_and_does_not_answer_is_ended(toy, monkeypatch, caplog):
    monkeypatch.setattr(fleet, "PULSE", 0.5)
    monkeypatch.setattr(fleet, "SILENT", 0.5)

    async def run():
        async with service(toy, workers=1) as (some, client):
            (first,) = processes(some)
            os.kill(first, signal.SIGSTOP)
            call = asyncio.create_task(client.post(UPLOAD, content=b"x"))
            await until(lambda: "silent" in caplog.text)
            monkeypatch.setattr(fleet, "SILENT", 30.0)  # the next one has its time
            assert (await call).json()["process"] != first

    asyncio.run(run())
    assert "silent" in caplog.text


def test_the_real_program_with_one_killed_and_then_stopped(server, tmp_path, jpeg):
    """Every call is answered, and usage is what was answered, though processes end with calls."""
    kept = open_keys(f"sqlite:///{tmp_path / 'keys.db'}")
    key = kept.add("app")
    process, url, log = server("--workers", 2, "--keys", f"sqlite:///{tmp_path / 'keys.db'}")
    headers, files = {"Authorization": f"Key {key}"}, {"file": ("a.jpg", jpeg())}
    stop, answered, failed = threading.Event(), [], []

    def call():
        with httpx.Client(trust_env=False, timeout=60, headers=headers) as client:
            while not stop.is_set():
                try:
                    answer = client.post(f"{url}{UPLOAD}", files=files)
                except httpx.HTTPError as error:
                    failed.append(repr(error))
                    return
                answered.append(answer.status_code)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for caller in callers:
        caller.start()
    behind = psutil.Process(process.pid).children()
    for goal in (30, 60):
        end = time.monotonic() + 60
        while len(answered) < goal and not failed and time.monotonic() < end:
            time.sleep(0.01)
        if goal == 30:
            behind[0].kill()
    stop.set()
    for caller in callers:
        caller.join()
    counters = httpx.get(f"{url}/metrics", headers=headers, trust_env=False).text
    process.terminate()
    assert process.wait(60) in (0, -signal.SIGTERM)
    assert not failed
    assert {*answered} == {200}
    assert len(answered) >= 60
    (row,) = kept.list()
    kept.close()
    assert (row.images, row.calls) == (len(answered), len(answered) + 1)
    route = 'method="POST",route="/v2/models/{name}/upload",status="200"'
    assert f"striate_requests_total{{{route}}} {len(answered)}.0" in counters
    assert 'striate_images_total{model="photos",outcome="answered",worker="2"}' in counters
    assert any("process 1 was ended by SIGKILL" in line for line in log)
    assert not [line for line in log if "Traceback" in line]
    assert not [each for each in behind if each.is_running()]
