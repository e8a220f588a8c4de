"""Writes a detector for another runtime: one .onnx file, pixels in, boxes out, and a card."""

import json
import os
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from striate.errors import MissingExtra, ModelError, StriateError, UserError
from striate.exporting.card import plain
from striate.exporting.writing import save_onnx
from striate.files import writing
from striate.progress import stage
from striate.recognizer.conversion import to_onnx, to_program
from striate.tasks.detection.detector import Detector
from striate.tasks.detection.exported import TASK
from striate.tasks.detection.networks import NetworkFinder
from striate.version import __version__

EXAMPLES = (torch.zeros(300, 400, 3, dtype=torch.uint8),)
SHAPES: dict[str, dict[int, str]] = {"image": {0: "H", 1: "W"}}
OUTPUTS = ["boxes", "labels", "scores"]
NO_GRAPH = {
    "rcnn": "R-CNN looks for regions by a search",
    "dpm": "a deformable part model goes through a pyramid that depends on the picture",
}


def export(detector: Detector, path: str | os.PathLike[str], *, to: str = "onnx") -> Path:
    """Writes the detector as an .onnx file; returns the path of its model card.

    Scaling, network and suppression are one graph (see `graph.Graph`); class names, scaling and
    provenance stand beside it as JSON, the metadata property "striate".

    Raises:
        UserError: if the path has another suffix, or another format is asked for.
        ModelError: if this kind of detector is no graph.
        MissingExtra: if onnx or onnxscript is missing.
        StorageError: if the disk is full or the folder may not be written.
    """
    path, finder = Path(path), detector.finder
    if to != "onnx":
        raise UserError(f"a detector is exported to onnx; {to} cannot run it yet")
    if path.suffix != ".onnx":
        raise UserError(f"an export to onnx is a .onnx file, not {path.name!r}")
    if not isinstance(finder, NetworkFinder):
        why = NO_GRAPH.get(finder.kind, f"{finder.kind} is no single network")
        raise ModelError(
            f"{why}, which is no graph that can be exported; keep its .safetensors file, or "
            "export a faster_rcnn or yolo"
        )
    for package in ("onnx", "onnxscript"):
        try:
            import_module(package)
        except ImportError as error:
            raise MissingExtra("exporting to onnx", "export") from error
    from striate.tasks.detection.graph import Graph
    from striate.tasks.detection.operators import translations

    described = path.with_suffix(".md")
    with writing(described) as temporary:  # now, not after a minute's work, if it is not allowed
        temporary.write_text(card(detector, path.name), encoding="utf-8")
        with stage("export to onnx"):
            try:
                program = to_program(Graph(finder), EXAMPLES, SHAPES)
                model = to_onnx(program, EXAMPLES, SHAPES, OUTPUTS, translations=translations())
            except StriateError:
                raise
            except Exception as error:  # torch.export's errors share no root below Exception
                reason = " ".join(str(error).split())[:200]
                raise ModelError(f"this network cannot be exported ({reason})") from error
            save_onnx(model, path, json.dumps(metadata(detector)))
    return described


def metadata(detector: Detector) -> dict[str, Any]:
    """What stands in the file beside the graph: plain JSON values."""
    finder = detector.finder
    assert isinstance(finder, NetworkFinder)
    return {
        "striate": __version__,
        "task": TASK,
        "kind": finder.kind,
        "classes": list(detector.classes),
        "scaling": asdict(finder.scaling),
        "architecture": finder.architecture,
        "provenance": detector.provenance,
        "input": "image: (H, W, 3) uint8, RGB, upright, sRGB",
        "outputs": "boxes: (K, 4), x0 y0 x1 y1 in pixels of the image; labels: (K,), numbers in "
        "classes; scores: (K,) in [0, 1], best first",
    }


def card(detector: Detector, file: str) -> str:
    """The model card (Mitchell et al. 2019, arXiv:1810.03993) in Markdown."""
    known = detector.provenance
    finder = detector.finder
    assert isinstance(finder, NetworkFinder)
    scaling = finder.scaling
    shape = (
        f"stretched to {scaling.side} x {scaling.side} pixels"
        if scaling.stretched
        else f"its longer side brought to {scaling.side} pixels"
    )
    recipe = json.dumps(known.get("recipe", {}), indent=2, default=str).replace("`", "'")
    sections = {
        "What it answers": [
            "Where each thing of these classes is in a picture, as a box, and how sure that is:",
            "",
            *(f"{number}. {plain(name)}" for number, name in enumerate(detector.classes)),
        ],
        "Data": [
            f"- set: {plain(known.get('data', 'not recorded'))}",
            f"- fingerprint: `{plain(known.get('fingerprint', 'not recorded'))}`",
        ],
        "How it learned": [
            f"- method: {plain(known.get('method', finder.kind))}",
            f"- backbone: {plain(finder.architecture.get('backbone', 'not recorded'))}",
            f"- seed: {plain(known.get('seed', 'not recorded'))}",
            *("", "```json", recipe, "```"),
        ],
        "How well": scores(known.get("validation")),
        "What it sees": [
            f"- the whole picture, {shape}, bicubic with antialiasing (inside the file)",
            f"- then (pixel - mean) / deviation: mean {list(scaling.mean)}, deviation "
            f"{list(scaling.std)}" + (", blue first" if scaling.bgr else ""),
            "- decoding stays outside: give RGB uint8, upright (EXIF orientation applied), in "
            "sRGB, alpha over white",
        ],
        "What it does not know": LIMITS,
    }
    parts = [f"# {plain(file)}"]
    parts += [f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items()]
    return "\n\n".join(parts) + "\n"


def scores(validation: object) -> list[str]:
    """Average precision on the validation images, on which choices were made."""
    known = validation if isinstance(validation, dict) else {}
    each = {name: value for name, value in known.items() if "ap50" in name or name == "map50"}
    if not each:
        return ["Not recorded: nobody should rely on it before `striate evaluate`."]
    lines = ["Average precision at an overlap of 0.5 on the validation images, on which choices"]
    lines += ["were made; `striate evaluate` measures it on others.", "", "| score | value |"]
    lines.append("|---|---|")
    for name, value in each.items():
        measured = isinstance(value, int | float) and value == value
        lines.append(f"| {plain(name)} | {f'{value:.1%}' if measured else 'none marked'} |")
    return lines


LIMITS = [
    "- It has learned the classes above and nothing else; other things it misses, or takes for one "
    "of these.",
    "- The scores hold for pictures like those it learned from: another camera, light, scale or "
    "country may give others. Measure on your own before you rely on it.",
    "- A score orders detections; it is no calibrated probability.",
    "- Nothing was measured about fairness between groups of people, nor about pictures made to "
    "deceive it.",
]
