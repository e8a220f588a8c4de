"""What is wrong with a container file, and its steps run without containers.

    python scripts/containerfile.py Containerfile           what is wrong with it
    python scripts/containerfile.py Containerfile --run     also its steps, in a temporary folder

`--run` follows COPY, WORKDIR, ENV and RUN with the folders that the file names moved into a
temporary one, except for what needs another system (making a user); then it starts ENTRYPOINT with
a small model, waits until HEALTHCHECK succeeds, asks it and sends STOPSIGNAL. It shows that what is
copied suffices, that the extras install into a fresh environment, and that the command answers
and ends; not that the base image has what it needs.
"""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

KNOWN = frozenset((
    "FROM", "ARG", "RUN", "COPY", "ENV", "USER", "WORKDIR", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK",
    "ENTRYPOINT", "CMD", "LABEL", "VOLUME",
))  # fmt: skip
FOLDERS = ("/opt/striate", "/var/lib/striate", "/source", "/models")  # that are moved
ELSEWHERE = ("useradd",)  # what is not run here
PATIENCE = 180.0  # seconds until the service is there

MODEL = """
import sys, torch
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.recognizer import Recognizer
from striate.tasks.classification.network import Network
from striate.tasks.table import TASKS
network = Network(
    model=create("lenet5", classes=2, channels=3), classes=2,
    architecture={"name": "lenet5", "options": {"channels": 3}},
    preprocessing=Preprocessing(View(28, channels=3), Normalization((127.5,) * 3, (127.5,) * 3)),
)
Recognizer(TASKS["classification"], network, ("cat", "dog")).save(sys.argv[1])
"""


class Instruction(NamedTuple):
    """One instruction: where it begins, its word, and the rest."""

    line: int
    word: str
    rest: str


def parsed(text: str) -> list[Instruction]:
    """The instructions; a line that ends in a backslash goes on."""
    found, begun, held = list[Instruction](), 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun if held else number
        held += line.strip()
        if held.endswith("\\"):
            held = held[:-1]
            continue
        word, _, rest = held.partition(" ")
        found.append(Instruction(begun, word.upper(), rest.strip()))
        held = ""
    return found


def words_of(rest: str) -> list[str] | None:
    """The words of an exec form; None where it is none."""
    try:
        words = json.loads(rest)
    except ValueError:
        return None
    good = isinstance(words, list) and words and all(isinstance(each, str) for each in words)
    return words if good else None


def wrong(instructions: list[Instruction], context: Path) -> list[str]:
    """What is wrong, a line for each; COPY takes its files from a folder."""
    found, stages, user = list[str](), set[str](), ""
    words = [each.word for each in instructions]
    for line, word, rest in instructions:
        if word not in KNOWN:
            found.append(f"line {line}: {word} is not an instruction that is used here")
        elif word == "FROM":
            found += [f"line {line}: {reason}" for reason in wrong_base(rest, stages)]
            stages |= {name.lower() for name in re.findall(r"(?i) as (\S+)$", rest)}
            user = ""
        elif word == "COPY":
            *sources, _ = [each for each in shlex.split(rest) if not each.startswith("--")]
            if stage := re.search(r"--from=(\S+)", rest):
                if stage[1].lower() not in stages:
                    found.append(f"line {line}: there is no stage {stage[1]} before")
                continue
            found += [
                f"line {line}: {each} is not there"
                for each in sources
                if not (context / each).exists()
            ]
        elif word in ("CMD", "ENTRYPOINT") and words_of(rest) is None:
            found.append(f"line {line}: {word} is not in exec form, so signals go to a shell")
        elif word == "HEALTHCHECK" and words_of(rest.partition("CMD ")[2]) is None:
            found.append(f"line {line}: HEALTHCHECK has no command in exec form")
        elif word == "USER":
            user = rest.partition(":")[0]
    if user in ("", "root", "0"):
        found.append("the service would run as root: USER is missing in the last stage")
    found += [
        f"{each} is missing" for each in ("FROM", "ENTRYPOINT", "HEALTHCHECK") if each not in words
    ]
    return found


def wrong_base(rest: str, stages: set[str]) -> list[str]:
    """What is wrong with the image that a stage begins with."""
    image = rest.split()[0]
    if image.lower() in stages or "@sha256:" in image:
        return []
    _, colon, tag = image.rpartition("/")[2].partition(":")
    if not colon:
        return [f"{image} has no tag"]
    return [f"{image} may be another one tomorrow"] if tag == "latest" else []


class Steps:
    """The steps of a container file, in a folder instead of an image."""

    def __init__(self, root: Path, context: Path):
        self.root, self.context, self.place = root, context, root
        self.environment = {**os.environ, "HOME": str(root)}
        self.environment.pop("PYTHONPATH", None)
        self.commands: dict[str, list[str]] = {}

    def moved(self, text: str) -> str:
        """The same, with the image's folders in ours."""
        for folder in FOLDERS:
            text = re.sub(rf"(?<![\w/.]){re.escape(folder)}\b", str(self.root) + folder, text)
        return text

    def do(self, step: Instruction) -> None:
        """One step."""
        word, rest = step.word, self.moved(step.rest)
        if word == "WORKDIR":
            self.place = Path(rest)
            self.place.mkdir(parents=True, exist_ok=True)
        elif word == "COPY" and "--from=" not in rest:  # stages share the folder
            *sources, target = shlex.split(rest)
            for each in sources:
                to = self.place / target
                source = self.context / each
                if source.is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(source, to, dirs_exist_ok=True, ignore=ignored)
                else:
                    shutil.copy(source, to)
        elif word == "ENV":
            name, _, value = rest.partition("=")
            self.environment[name] = value
        elif word == "RUN" and not rest.startswith(ELSEWHERE):
            subprocess.run(
                ["/bin/sh", "-c", rest], cwd=self.place, env=self.environment, check=True
            )
        elif word in ("CMD", "ENTRYPOINT", "HEALTHCHECK"):
            self.commands[word] = words_of(rest[rest.index("[") :]) or []

    def serve(self, stop: signal.Signals) -> None:
        """Starts the service, waits for its health, asks it, and ends it."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        entry, health = (
            [each.replace("8000", port) for each in self.commands[name]]
            for name in ("ENTRYPOINT", "HEALTHCHECK")
        )
        here: dict[str, Any] = {"cwd": self.place, "env": self.environment}
        model = self.place / self.commands["CMD"][-1]
        program = shutil.which("python", path=self.environment["PATH"]) or ""
        subprocess.run([program, "-c", MODEL, str(model)], check=True, **here)
        keys = [entry[0], "keys", "add", "app"]
        made = subprocess.run(keys, check=True, capture_output=True, text=True, **here)
        process = subprocess.Popen([*entry, "--workers", "2", *self.commands["CMD"]], **here)
        try:
            end = time.monotonic() + PATIENCE
            while subprocess.run(health, stderr=subprocess.DEVNULL, **here).returncode:
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("the service does not answer its health check")
                time.sleep(0.5)
            ask = f"""if True:
                from urllib.request import Request, urlopen
                key = {{"Authorization": "Key " + {made.stdout.strip()!r}}}
                asked = Request("http://127.0.0.1:{port}/v2/models", headers=key)
                print(urlopen(asked, timeout=10).status)"""
            subprocess.run([program, "-c", ask], check=True, **here)
            process.send_signal(stop)
            code = process.wait(60)
        finally:
            process.kill()
            process.wait()
        if code not in (0, -stop):
            raise RuntimeError(f"the service ended with {code}")


def main(path: Path, *, run: bool) -> int:
    """Says what is wrong; runs the steps where nothing is."""
    instructions, context = parsed(path.read_text("utf-8")), path.resolve().parent
    if reasons := wrong(instructions, context):
        print("\n".join(reasons), file=sys.stderr)
        return 1
    if run:
        stop = next((each.rest for each in instructions if each.word == "STOPSIGNAL"), "SIGTERM")
        with tempfile.TemporaryDirectory(prefix="striate-container-") as root:
            steps = Steps(Path(root), context)
            for step in instructions:
                print(f"{step.word} {step.rest}", flush=True)
                steps.do(step)
            steps.serve(signal.Signals[stop])
        print("it answers its health check, and ends when it is told to")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), run="--run" in sys.argv[2:]))
