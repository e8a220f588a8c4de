"""The command `striate`, which is also `python -m striate`."""

import os

try:  # what `signal` is made of: that costs milliseconds in which Ctrl-C would be a traceback
    import _signal as signal
except ImportError:
    import signal


def stop_at_once(number: int, frame: object) -> None:
    """What Ctrl-C does while the command itself is still being imported, and when it is done."""
    os.write(2, b"striate: stopped\n")
    os._exit(130)


def main() -> None:
    """What the command on the path calls."""
    patient = signal.getsignal(signal.SIGINT) != signal.SIG_IGN  # a background job ignores it
    if patient:
        signal.signal(signal.SIGINT, stop_at_once)
    from striate import cli

    code = cli.main(interruptible=patient)
    if patient:
        signal.signal(signal.SIGINT, stop_at_once)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
