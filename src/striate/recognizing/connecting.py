"""A Ray cluster, one that runs or one of this machine's cores."""

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from striate.data.threads import cores
from striate.errors import MissingExtra, UserError, one_line

STORE = 2**30  # bytes of a local cluster's memory for what is on its way
CLIENT = "ray://"
TOKENS = " (one that asks for tokens wants RAY_AUTH_MODE=token, and its token in RAY_AUTH_TOKEN)"
CONNECTING = 10.0  # seconds


@contextmanager
def started(address: str | None, workers: int | None) -> Iterator[int]:
    """How many workers there are of a cluster that is connected to; one that was connected to
    before stays so.

    Raises:
        MissingExtra: if Ray is not installed.
        UserError: if there is no cluster at the address.
    """
    if find_spec("ray") is None:
        raise MissingExtra("--engine ray", "cluster")
    if address is not None and address.startswith(CLIENT):
        raise UserError(
            f"{address}: run the command on a machine of the cluster (ray job submit), "
            "with --cluster auto"
        )
    if address is not None:
        see_open(address)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is told to anybody
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    if ray.is_initialized():
        yield workers or cores_of(ray.cluster_resources())
        return
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is None:
        options |= {"address": "local", "num_cpus": workers or cores(), "include_dashboard": False}
        options |= {"object_store_memory": STORE}
    else:
        options |= {"address": address}
    try:
        ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        where, hint = address or "this machine", "" if address is None else TOKENS
        raise UserError(f"--cluster {where}: {one_line(error)}{hint}") from error
    try:
        yield workers or cores_of(ray.cluster_resources())
    finally:
        ray.shutdown()


def see_open(address: str) -> None:
    """Tries a connection, since Ray itself waits for minutes.

    Raises:
        UserError: if nothing listens at HOST:PORT.
    """
    host, colon, port = address.rpartition(":")
    if not colon and address == "auto":
        return
    if not port.isdigit():
        raise UserError(f"--cluster {address}: expected HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECTING).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"--cluster {address}: nothing answers: {one_line(error)}") from error


def cores_of(resources: Mapping[str, float]) -> int:
    """The cores of a cluster.

    Raises:
        UserError: if there are none, as when no machine but the head is there yet.
    """
    found = int(resources.get("CPU", 0))
    if not found:
        raise UserError("--cluster: it has no cores yet; give --workers to wait for them")
    return found
