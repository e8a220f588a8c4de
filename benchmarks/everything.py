"""Every benchmark, one after another, and RESULTS.md out of what they gave.

    python benchmarks/everything.py FOLDER [--only NAME ...] [--shared SHARED] [--write]

Each runs in a process of its own; its rows, its seconds and how busy the machine was go to
FOLDER/NAME.json. One that was measured at this commit is not measured again. --write measures
nothing: it puts all that FOLDER holds into RESULTS.md, under the line that says so, and refuses
rows of different commits.
"""

import argparse
import ast
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from _rows import plain

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
BELOW = "<!-- below: written by everything.py -->"
SIDES = "| case | ours | theirs | ratio | aim | beside |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Benchmark:
    """A file of this folder with its arguments.

    Attributes:
        arguments: "SHARED" in them is the folder of shared data.
        threads: of torch and what it calls.
    """

    title: str
    file: str
    arguments: tuple[str, ...] = ()
    threads: int = 1


BENCHMARKS = {
    "main_job": Benchmark("The whole job beside the best peer", "main_job.py",
        ("SHARED/data/clothing", "--only", "careful torch"), 2),
    "compare": Benchmark("All four approaches", "compare.py", ("SHARED/data/clothing",), 2),
    "cost": Benchmark("Cost, and how it grows", "cost.py", ("SHARED/data/mnist",)),
    "lenet5": Benchmark("Learning: LeNet-5", "training.py", ("--case", "lenet5", "--threads", "1")),
    "lenet5_2": Benchmark("Learning: LeNet-5 on two threads", "training.py",
        ("--case", "lenet5", "--threads", "2"), 2),
    "training": Benchmark("Learning: larger networks", "training.py",
        ("--case", "resnet18", "resnet50", "alexnet", "--threads", "1")),
    "group": Benchmark("Two processes beside one", "group.py"),
    "input": Benchmark("Input", "input.py"),
    "augment": Benchmark("Augmentation", "augment.py"),
    "inference": Benchmark("Inference", "inference.py"),
    "evaluation": Benchmark("Dense evaluation", "evaluation.py", ("--quick",)),
    "occlusion": Benchmark("Occlusion", "occlusion.py"),
    "dreams": Benchmark("Dreams", "dreams.py"),
    "int8": Benchmark("8 bits", "int8.py"),
    "start": Benchmark("Start", "start.py"),
    "serving": Benchmark("Service", "serving.py"),
    "serving_processes": Benchmark("Service of several processes", "serving_processes.py"),
    "trust": Benchmark("Trust", "trust.py"),
    "detection": Benchmark("Detection", "detection.py", ("--quick",)),
    "selective_search": Benchmark("Selective search", "selective_search.py"),
    "segmentation": Benchmark("Segmentation", "segmentation.py"),
    "style": Benchmark("Style", "style.py"),
    "generation": Benchmark("Generation", "generation.py"),
    "speech": Benchmark("Speech", "speech.py", ("--quick",)),
    "text": Benchmark("Texts", "text.py", ("SHARED/data/text/mr.tsv",)),
    "retrieval": Benchmark("Retrieval", "retrieval.py",
        ("--rows", "300000", "--exact", "--rounds", "3")),
    "handcrafted": Benchmark("Hand-crafted features", "handcrafted.py"),
    "networks": Benchmark("Networks", "networks.py"),
    "response_normalization": Benchmark("Local response normalization",
        "response_normalization.py"),
    "locally_connected": Benchmark("Locally connected layers", "locally_connected.py"),
    "published_weights": Benchmark("Published weights", "published_weights.py"),
    "scale": Benchmark("Very many inputs", "scale.py", ("--most", "30000")),
    "plan": Benchmark("So many images a day", "plan.py"),
}  # fmt: skip


def measure(name: str, folder: Path, shared: str) -> None:
    """One benchmark into its file; what it says besides goes to standard error."""
    target = folder / f"{name}.json"
    if target.exists() and json.loads(target.read_text())["commit"] == commit():
        print(f"{name}: measured at this commit")
        return
    one = BENCHMARKS[name]
    arguments = [each.replace("SHARED", shared) for each in one.arguments]
    threads = {"OMP_NUM_THREADS": str(one.threads), "MKL_NUM_THREADS": str(one.threads)}
    start, busy = time.time(), os.getloadavg()[0]
    call = [sys.executable, str(HERE / one.file), *arguments, "--json"]
    done = subprocess.run(
        call, stdout=subprocess.PIPE, text=True, check=False,
        env=os.environ | threads | {"STRIATE_SHARED": shared},
    )  # fmt: skip
    found = {
        "name": name, "commit": commit(), "date": f"{date.today()}", "machine": machine(),
        "seconds": round(time.time() - start), "load": round(busy, 1), "ended": done.returncode,
        "rows": [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")],
    }  # fmt: skip
    target.write_text(json.dumps(found, indent=1))
    print(f"{name}: {len(found['rows'])} rows, {found['seconds']} s, ended with {done.returncode}")


def commit() -> str:
    """The last that changed what is measured; with a plus where files differ from it."""

    def git(*words: str) -> str:
        call = ["git", "-C", str(HERE), *words]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "../src")
    return git("log", "-1", "--format=%h", "--", "../src") + ("+" if changed else "")


def machine() -> str:
    """Processor, cores, memory, versions."""
    words = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.split(":")[1].strip() for line in words.splitlines()
                  if line.startswith("model name")), platform.processor())  # fmt: skip
    kinds = [kind for kind in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16") if kind in words]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = (f"{model} ({', '.join(kinds)})", f"{os.cpu_count()} cores", f"{memory:.0f} GiB",
             f"Python {platform.python_version()}", f"torch {version('torch')}")  # fmt: skip
    return ", ".join(parts)


def written(folder: Path) -> Iterator[str]:
    """The lines of what was measured, in the order of `BENCHMARKS`."""
    files = [folder / f"{name}.json" for name in BENCHMARKS]
    found = [json.loads(file.read_text()) for file in files if file.exists()]
    commits = {each["commit"] for each in found}
    if len(commits) != 1:
        raise SystemExit(f"{folder} holds {len(commits)} commits: {', '.join(sorted(commits))}")
    dates = sorted({each["date"] for each in found})
    yield f"Measured on {' and '.join(dates)} at commit {commits.pop()}: {found[0]['machine']}."
    for each in found:
        one = BENCHMARKS[each["name"]]
        threads = "one thread" if one.threads == 1 else f"{one.threads} threads"
        words = shlex.join(("python", f"benchmarks/{one.file}", *one.arguments))
        yield f"\n## {one.title}\n"
        yield f"{first_paragraph(one.file)}\n"
        yield f"`{words.replace('SHARED', '../shared')}`, {threads}, {each['seconds']} s in all;"
        yield f"the machine's load before it was {each['load']}.\n"
        yield SIDES
        for row in each["rows"]:
            yield f"| {' | '.join(in_cells(row))} |"


def in_cells(row: dict[str, Any]) -> Iterator[str]:
    """A row's cells."""
    yield row["case"]
    for side in ("ours", "theirs"):
        yield f"{plain(row[side])} {row['unit']}".strip() if row[side] is not None else ""
    for number in (row["ratio"], row["target"]):
        yield "" if number is None else f"{number:.3g}"
    yield row["peer"]


def first_paragraph(file: str) -> str:
    """What a benchmark says of itself."""
    words = ast.get_docstring(ast.parse((HERE / file).read_text())) or ""
    return " ".join(words.split("\n\n")[0].split())


def main() -> None:
    parser = argparse.ArgumentParser(description=first_paragraph(__file__))
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--shared", default=os.environ.get("STRIATE_SHARED", "../shared"))
    parser.add_argument("--write", action="store_true", help="put FOLDER into RESULTS.md")
    given = parser.parse_args()
    if given.write:
        lines = "\n".join(written(given.folder))
        kept = RESULTS.read_text().partition(BELOW)[0]
        RESULTS.write_text(f"{kept}{BELOW}\n\n{lines}\n")
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        measure(name, given.folder, given.shared)


if __name__ == "__main__":
    main()
