"""The row that every benchmark gives, how two sides are timed in turns, and the command line.

What disturbs the machine disturbs sides that run in turns alike: their ratio is worth more than
their seconds.
"""

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One case beside one peer, in medians.

    Attributes:
        case: what is measured.
        unit: of `ours` and `theirs`.
        ours, theirs: None where there is nothing to measure.
        peer: what ours is compared with; where `ratio` is None, also the reason.
        ratio: how many times better ours is, above 1 is ahead; None without a peer.
        target: of the ratio, or None.
    """

    case: str
    unit: str
    ours: float | None
    peer: str
    theirs: float | None
    ratio: float | None
    target: float | None = None


def compared(
    case: str,
    unit: str,
    ours: float,
    peer: str,
    theirs: float,
    *,
    less: bool = False,
    target: float | None = None,
    ratio: float | None = None,
) -> Row:
    """Two numbers of one case.

    Args:
        less: whether less is better, as with seconds.
        ratio: where it was measured in pairs, and is not that of the two numbers.
    """
    if ratio is None:
        better, worse = (theirs, ours) if less else (ours, theirs)
        ratio = better / worse if worse else 1.0 if better == worse else None
    return Row(case, unit, short(ours), peer, short(theirs), short(ratio), target)


def absent(
    case: str,
    unit: str,
    peer: str,
    reason: object,
    target: float | None = None,
    *,
    ours: float | None = None,
) -> Row:
    """A peer that could not be measured, and the first line of the reason."""
    first = next(iter(str(reason).strip().splitlines()), type(reason).__name__)
    return Row(case, unit, short(ours), f"{peer}: not measured ({first})", None, None, target)


def alone(case: str, unit: str, ours: float, note: str = "") -> Row:
    """A number that nothing is compared with."""
    return Row(case, unit, short(ours), f"no peer ({note})" if note else "no peer", None, None)


def short(number: float | None) -> float | None:
    """Four significant digits."""
    return None if number is None else float(f"{number:.4g}")


def paired(
    case: str,
    ours: Work,
    theirs: Work,
    *,
    peer: str,
    target: float | None = None,
    rounds: int = 11,
) -> Row:
    """Milliseconds of both; the ratio is the median of the rounds' ratios."""
    times = in_turns({"ours": ours, "theirs": theirs}, rounds)
    return compared(
        case, "ms", 1000 * statistics.median(times["ours"]),
        peer, 1000 * statistics.median(times["theirs"]),
        target=target, ratio=ratio_of(times["ours"], times["theirs"]),
    )  # fmt: skip


def in_turns(sides: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """Seconds of every side: all run once unmeasured, then in turns."""
    for run in sides.values():
        seconds(run)
    turns = [{name: seconds(run) for name, run in sides.items()} for _ in range(rounds)]
    return {name: [turn[name] for turn in turns] for name in sides}


def ratio_of(ours: Iterable[float], theirs: Iterable[float]) -> float:
    """How many times as fast ours is, from the seconds of paired rounds."""
    return statistics.median(b / a for a, b in zip(ours, theirs, strict=True))


def seconds(work: Work) -> float:
    """How long one run takes, without releasing what it returns."""
    start = time.perf_counter()
    kept = work()
    spent = time.perf_counter() - start
    del kept
    return spent


def peer_module(name: str) -> ModuleType:
    """A peer's module.

    Raises:
        ImportError: where it is not installed, or does not load here; one line says why.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(str(error).splitlines()[0]) from error
    except (RuntimeError, OSError) as error:  # operators or libraries that do not fit this torch
        raise ImportError(f"it does not load: {str(error).splitlines()[0]}") from error


def let_torchvision_in() -> None:
    """Names torchvision's compiled operators where a build of torch that is not its own lacks them.

    Its Python part loads then, which Lightning and fastai import; nothing here calls the operators.
    """
    import torch

    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library = torch.library.Library("torchvision", "FRAGMENT")
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            NAMED.append(library)  # the name lives as long as the library


NAMED: list[object] = []

Measure = Callable[..., Iterable[Row]]
Options = Callable[[argparse.ArgumentParser], object]


def main(measure: Measure, description: str | None, options: Options | None = None) -> None:
    """The command line of a benchmark: rows are printed as they come.

    Args:
        measure: called with `quick=` and every option of the benchmark's own.
        description: the benchmark's docstring; its first paragraph is the help.
        options: adds the benchmark's own options.
    """
    summary = (description or "").strip().partition("\n\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--quick", action="store_true", help="little of everything: does it run?")
    parser.add_argument("--json", action="store_true", help="one object a line")
    if options is not None:
        options(parser)
    given = vars(parser.parse_args())
    see_device(parser, given.get("device"))
    as_json = given.pop("json")
    if not as_json:
        print(line("case", "ours", "theirs", "ratio", "target", "peer"))
    for row in measure(**given):
        print(json.dumps(asdict(row), allow_nan=False) if as_json else in_words(row), flush=True)


def device_option(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Where networks compute."""
    about = "what computes" if default else "the cases of this one alone"
    parser.add_argument("--device", choices=("cpu", "cuda"), default=default, help=about)


def see_device(parser: argparse.ArgumentParser, device: str | None) -> None:
    """Ends the program with a line where a GPU is asked for and there is none."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            parser.error("--device cuda: torch finds no GPU here; give --device cpu")


def in_words(row: Row) -> str:
    """A line of the table."""
    ours, theirs = (f"{plain(each)} {row.unit}".strip() for each in (row.ours, row.theirs))
    return line(row.case, ours if row.ours is not None else "-",
                theirs if row.theirs is not None else "-",
                plain(row.ratio), plain(row.target), row.peer)  # fmt: skip


def line(case: str, ours: str, theirs: str, ratio: str, target: str, peer: str) -> str:
    return f"{case:48} {ours:>14} {theirs:>14} {ratio:>7} {target:>7}  {peer}".rstrip()


def plain(value: Any) -> str:
    """A number without needless digits; a dash where there is none."""
    return "-" if value is None else f"{value:,.6g}"
