"""Compiles the inner loops in src/striate/native, where there is a C compiler; hatchling's hook.

    python scripts/build_native.py

Each C file becomes one shared library beside it, which holds it for every level of vectors that the
kind of processor may have; which level is used is decided where it runs. The library's name has a
part of the file's hash, so that one made of another text is never loaded. Without a compiler, or
with one that cannot compile them, striate is installed without them: its answers are the same,
slower. STRIATE_NATIVE=0 leaves them out, STRIATE_NATIVE=1 insists on them.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "src/striate/native"
THREADED = ("pooled",)  # by OpenMP, whose functions torch has loaded already
FLAGS = ("-std=gnu11", "-O3", "-fPIC", "-Wno-psabi")
LEVELS = {
    "x86_64": (
        (),
        ("-mavx2", "-mfma"),
        ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mfma"),
    )
}
"""Flags for each level of a machine's processors; others are compiled as they are."""


def compiler() -> list[str] | None:
    """The C compiler's command, as `CC` or the system has it."""
    named = shlex.split(os.environ.get("CC", ""))
    found = named or [name for name in ("cc", "gcc", "clang") if shutil.which(name)][:1]
    return found if found and shutil.which(found[0]) else None


def build(source: Path, command: list[str]) -> Path:
    """Compiles one file for all levels; the library, renamed into its place when it is whole.

    Raises:
        subprocess.CalledProcessError: with the compiler's words, if it cannot.
    """
    flags = [*FLAGS, *(["-fopenmp"] if source.stem in THREADED else [])]
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        objects = []
        for number, level in enumerate(LEVELS.get(platform.machine(), ((),))):
            objects.append(f"{folder}/{number}.o")
            call = [*command, *flags, *level, "-c", str(source), "-o", objects[-1]]
            subprocess.run(call, check=True, capture_output=True, text=True)
        library = f"{folder}/library"
        call = [*command, "-shared", *objects, "-o", library]
        subprocess.run(call, check=True, capture_output=True, text=True)
        made = Path(library).replace(place_of(source))
    for earlier in set(source.parent.glob(f"lib{source.stem}-*.so")) - {made}:
        earlier.unlink()
    return made


def place_of(source: Path) -> Path:
    """Where striate looks for the library of a C file (`striate.native`)."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    return source.with_name(f"lib{source.stem}-{digest}.so")


def build_all() -> list[Path]:
    """All of them, or none: says on standard error why not.

    Raises:
        SystemExit: if STRIATE_NATIVE=1 and they cannot be had.
    """
    wish = os.environ.get("STRIATE_NATIVE", "")
    if wish == "0":
        return []
    if not sys.platform.startswith("linux"):
        why = f"{sys.platform} is not Linux"
    elif (command := compiler()) is None:
        why = "there is no C compiler"
    else:
        try:
            return [build(source, command) for source in sorted(FOLDER.glob("*.c"))]
        except subprocess.CalledProcessError as error:
            why = f"{shlex.join(error.cmd)}\n{error.stderr}"
    message = f"striate without its compiled loops: {why}"
    if wish == "1":
        raise SystemExit(message)
    print(message, file=sys.stderr)
    return []


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand
    pass
else:

    class NativeBuild(BuildHookInterface[Any]):
        """Puts the libraries into the wheel, which is then of one kind of machine."""

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            if self.target_name != "wheel":
                return
            if libraries := build_all():
                system = sysconfig.get_platform().replace("-", "_").replace(".", "_")
                build_data["pure_python"] = False
                build_data["tag"] = f"py3-none-{system}"
                build_data["artifacts"] += [
                    str(each.relative_to(FOLDER.parents[2])) for each in libraries
                ]


if __name__ == "__main__":
    for library in build_all():
        print(library)
