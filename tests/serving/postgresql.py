"""A PostgreSQL server of the tests' own: in a folder and on a Unix socket, by its binaries."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
USERS = ("postgres", "nobody")  # the server refuses to run as root


def missing() -> str:
    """Why there can be no server here; empty where there can."""
    if not BINARIES and not shutil.which("initdb"):
        return "PostgreSQL's server is not installed (Debian: postgresql)"
    return ""


class Server:
    """A database cluster.

    Attributes:
        url: of its database, as `--keys` has it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.url = f"postgresql://striate@/postgres?host={folder}"
        found = BINARIES[-1] if BINARIES else Path(shutil.which("initdb") or "")
        self._binaries = found.resolve().parent
        self._user = {}
        if os.geteuid() == 0:
            import pwd

            known = {each.pw_name: each for each in pwd.getpwall()}
            user = next(known[name] for name in USERS if name in known)
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._run("initdb", "-U", "striate", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def _run(self, program: str, *options: str) -> None:
        done = subprocess.run(
            [str(self._binaries / program), "-D", str(self.folder / "data"), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            cwd="/", text=True, **self._user,
        )  # fmt: skip
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(done.stderr + (log.read_text() if log.exists() else ""))

    def start(self) -> None:
        """Begins to answer."""
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-s", "-l", log, "-o", options)

    def stop(self) -> None:
        """Ends as if it had crashed: connections are lost, what is committed is not."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate")


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server that answers, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="striate-pg-", dir="/tmp"))  # short: a socket's path is
    try:
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
