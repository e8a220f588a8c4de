"""A sound set in each format, varied or damaged in one way: what is sound is read the same, and the
rest is read, left out by name, or the whole is refused in one line."""

import io
import json
import os
import random
import time
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate.errors import DataError

COUNT, WIDTH, HEIGHT = 8, 48, 36
CLASSES = ("cat", "dog")
Truth = dict[str, tuple[str, tuple[int, int, int, int]]]  # of every picture: a class and a box


def truth_of(seed: int) -> Truth:
    rng = random.Random(seed)
    found = {}
    for number in range(COUNT):
        x, y = rng.randrange(0, 20), rng.randrange(0, 14)
        box = (x, y, x + rng.randrange(8, 26), y + rng.randrange(8, 20))
        found[f"p{number}"] = (CLASSES[number % 2], box)
    return found


@cache
def png(number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def save(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(number))


def pictures(root: Path, truth: Truth, folder: str) -> None:
    for number, stem in enumerate(truth):
        save(root / folder / f"{stem}.png", number)


def voc(
    root: Path, truth: Truth, *, images: str = "JPEGImages", labels: str = "Annotations"
) -> None:
    pictures(root, truth, images)
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        (root / labels).mkdir(parents=True, exist_ok=True)
        (root / labels / f"{stem}.xml").write_text(
            f"<annotation><filename>{stem}.png</filename><size><width>{WIDTH}</width><height>"
            f"{HEIGHT}</height></size>\n<object><name>{name}</name><bndbox><xmin>{x0 + 1}</xmin>"
            f"<ymin>{y0 + 1}</ymin>\n<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
            "</annotation>\n"
        )


def coco(
    root: Path, truth: Truth, *, name: str = "annotations/instances.json", images: str = "images"
) -> None:
    pictures(root, truth, images)
    table: dict[str, Any] = {
        "images": [], "annotations": [],
        "categories": [{"id": k, "name": word} for k, word in enumerate(CLASSES)],
    }  # fmt: skip
    for number, (stem, (word, (x0, y0, x1, y1))) in enumerate(truth.items()):
        table["images"].append(
            {"id": number, "file_name": f"{stem}.png", "height": HEIGHT, "width": WIDTH}
        )
        table["annotations"].append({
            "id": number, "image_id": number, "category_id": CLASSES.index(word),
            "bbox": [x0, y0, x1 - x0, y1 - y0],
        })  # fmt: skip
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(json.dumps(table, indent=1))


def yolo(root: Path, truth: Truth) -> None:
    pictures(root, truth, "images")
    (root / "labels").mkdir()
    (root / "data.yaml").write_text("nc: 2\nnames: ['cat', 'dog']\n")
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        values = (
            (x0 + x1) / 2 / WIDTH,
            (y0 + y1) / 2 / HEIGHT,
            (x1 - x0) / WIDTH,
            (y1 - y0) / HEIGHT,
        )
        text = " ".join(f"{value:.6f}" for value in values)
        (root / "labels" / f"{stem}.txt").write_text(f"{CLASSES.index(name)} {text}\n")


def cvat(root: Path, truth: Truth) -> None:
    pictures(root, truth, "images")
    lines = [
        f'<image id="{number}" name="{stem}.png" width="{WIDTH}" height="{HEIGHT}">\n'
        f'<box label="{name}" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"></box></image>'
        for number, (stem, (name, (x0, y0, x1, y1))) in enumerate(truth.items())
    ]
    (root / "annotations.xml").write_text("<annotations>\n" + "\n".join(lines) + "\n</annotations>")


def labelme(root: Path, truth: Truth) -> None:
    pictures(root, truth, "")
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        shape = {"label": name, "points": [[x1, y1], [x0, y0]], "shape_type": "rectangle"}
        table = {
            "shapes": [shape],
            "imagePath": f"{stem}.png",
            "imageHeight": HEIGHT,
            "imageWidth": WIDTH,
        }
        (root / f"{stem}.json").write_text(json.dumps(table, indent=1))


def label_studio(root: Path, truth: Truth) -> None:
    pictures(root, truth, "images")
    tasks = []
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        value = {"x": 100 * x0 / WIDTH, "y": 100 * y0 / HEIGHT, "width": 100 * (x1 - x0) / WIDTH,
                 "height": 100 * (y1 - y0) / HEIGHT, "rectanglelabels": [name]}  # fmt: skip
        result = [{"type": "rectanglelabels", "value": value}]
        tasks.append(
            {"data": {"image": f"/data/upload/3/{stem}.png"}, "annotations": [{"result": result}]}
        )
    (root / "export.json").write_text(json.dumps(tasks, indent=1))


def outlines(root: Path, truth: Truth) -> None:
    """Label Studio's, with polygons."""
    pictures(root, truth, "images")
    tasks = []
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in ((x0, y0), (x1, y0), (x1, y1))]
        value = {"points": points, "polygonlabels": [name]}
        tasks.append(
            {"data": {"image": f"/data/upload/3/{stem}.png"}, "annotations": [{"result": [
                {"type": "polygonlabels", "value": value}]}]}
        )  # fmt: skip
    (root / "export.json").write_text(json.dumps(tasks, indent=1))


def via(root: Path, truth: Truth) -> None:
    pictures(root, truth, "")
    table = {}
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        shape = {"name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
        region = {"shape_attributes": shape, "region_attributes": {"kind": name}}
        table[f"{stem}.png99"] = {"filename": f"{stem}.png", "size": 99, "regions": [region]}
    (root / "via.json").write_text(json.dumps(table, indent=1))


def fiftyone(root: Path, truth: Truth) -> None:
    pictures(root, truth, "data")
    labels = {
        stem: [
            {
                "label": CLASSES.index(name),
                "bounding_box": [x0 / WIDTH, y0 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT],
            }
        ]
        for stem, (name, (x0, y0, x1, y1)) in truth.items()
    }
    (root / "labels.json").write_text(json.dumps({"classes": CLASSES, "labels": labels}, indent=1))


def samples(root: Path, truth: Truth) -> None:
    pictures(root, truth, "data")
    table = []
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        box = [x0 / WIDTH, y0 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT]
        found = {"detections": [{"label": name, "bounding_box": box}]}
        table.append({"filepath": f"data/{stem}.png", "ground_truth": found})
    (root / "samples.json").write_text(json.dumps({"samples": table}, indent=1))


def createml(root: Path, truth: Truth) -> None:
    pictures(root, truth, "")
    table = []
    for stem, (name, (x0, y0, x1, y1)) in truth.items():
        sides = {"x": (x0 + x1) / 2, "y": (y0 + y1) / 2, "width": x1 - x0, "height": y1 - y0}
        marks = [{"label": name, "coordinates": sides}]
        table.append({"image": f"{stem}.png", "annotations": marks})
    (root / "_annotations.createml.json").write_text(json.dumps(table, indent=1))


def box_list(root: Path, truth: Truth) -> None:
    pictures(root, truth, "")
    lines = [
        f"{stem}.png,{WIDTH},{HEIGHT},{name},{x0},{y0},{x1},{y1}"
        for stem, (name, (x0, y0, x1, y1)) in truth.items()
    ]
    heading = "filename,width,height,class,xmin,ymin,xmax,ymax"
    (root / "_annotations.csv").write_text("\n".join([heading, *lines]) + "\n")


def folders(root: Path, truth: Truth) -> None:
    for number, (stem, (name, _)) in enumerate(truth.items()):
        save(root / name / f"{stem}.png", number)


def listed(root: Path, truth: Truth) -> None:
    pictures(root, truth, "img")
    lines = [f"img/{stem}.png,{name}" for stem, (name, _) in truth.items()]
    (root / "list.csv").write_text("\n".join(["path,label", *lines]) + "\n")


BOXES: dict[str, Callable[[Path, Truth], None]] = {
    "voc": voc,
    "voc beside": lambda root, truth: voc(root, truth, images="", labels=""),
    "coco": coco,
    "coco beside": lambda root, truth: coco(root, truth, name="_annotations.coco.json", images=""),
    "yolo": yolo, "cvat": cvat, "labelme": labelme, "label studio": label_studio, "via": via,
    "fiftyone": fiftyone, "create ml": createml, "box list": box_list, "outlines": outlines,
    "samples": samples,
}  # fmt: skip
FORMATS = BOXES | {"folders": folders, "list": listed}
LABELS = (".xml", ".json", ".txt", ".csv")


def opened(root: Path) -> Any:
    return striate.data.open(next(root.rglob("list.csv"), root))


def attempted(root: Path) -> tuple[Any, str]:
    """What is read, or the line with which it is refused; anything else that is raised goes on."""
    try:
        return opened(root), ""
    except DataError as error:
        return None, str(error)


def content(data: Any) -> dict[str, Any]:
    """What is read of every picture, by its stem: its class, or classes and boxes."""
    found = {}
    for row in range(len(data)):
        stem = Path(data.inputs.name(row)).stem
        if data.targets.kind == "labels":
            found[stem] = data.targets.words(row)
        else:
            marked = data.targets.objects[row]
            found[stem] = [
                (data.classes[number], tuple(np.rint(box).astype(int).tolist()))
                for number, box in zip(marked.classes, marked.boxes, strict=True)
            ]
    return found


def expected(name: str, truth: Truth) -> dict[str, Any]:
    if name in BOXES:
        return {stem: [(word, box)] for stem, (word, box) in truth.items()}
    return {stem: word for stem, (word, _) in truth.items()}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", FORMATS)
def test_a_sound_set(tmp_path: Path, name: str, seed: int) -> None:
    truth = truth_of(seed)
    FORMATS[name](tmp_path, truth)
    data = opened(tmp_path)
    assert content(data) == expected(name, truth)
    assert data.left_out == ()
    assert sorted(data.drawn) == ["test", "validation"]


# The ways in which sets vary. Each gives the pictures that it touches; those are read the same, or
# differently with a word about it. What it does not touch is read as it was.

PICKED = "p3"


def picture_of(root: Path) -> Path:
    return next(root.rglob(f"{PICKED}.png"))


def label_of(root: Path) -> Path | None:
    """The file with the label of the picked picture: its own, or that of the whole set."""
    own = [path for path in root.rglob(f"{PICKED}.*") if path.suffix in LABELS]
    whole = [path for path in root.rglob("*") if path.suffix in (".json", ".csv", ".xml")]
    return own[0] if own else whole[0] if whole else None


def missing(root: Path) -> set[str]:
    picture_of(root).unlink()
    return {PICKED}


def another_suffix(root: Path) -> set[str]:
    path = picture_of(root)
    path.rename(path.with_suffix(".PNG"))
    return {PICKED}


def a_pipe(root: Path) -> set[str]:
    path = picture_of(root)
    path.unlink()
    os.mkfifo(path)
    return {PICKED}


def emptied(root: Path) -> set[str]:
    picture_of(root).write_bytes(b"")
    return {PICKED}


def a_link_to_itself(root: Path) -> set[str]:
    path = picture_of(root)
    path.unlink()
    path.symlink_to(path)
    (path.parent / "around").symlink_to(root)
    return {PICKED}


def system_files(root: Path) -> set[str]:
    for path in list(root.rglob("*")):
        if path.is_file():
            (path.parent / f"._{path.name}").write_bytes(b"\0\5\26\7Mac OS X")
    (root / ".DS_Store").write_bytes(b"\0")
    (root / "Thumbs.db").write_bytes(b"\0")
    save(root / "__MACOSX" / "cat" / "p0.png", 99)
    return set()


def other_files(root: Path) -> set[str]:
    (root / "info.json").write_text(json.dumps({"images": 24, "annotations": "none", "bbox": []}))
    (root / "README.txt").write_text("# 1 2 3\n")
    (root / "notes.xml").write_text("<note/>")
    (root / "config.yaml").write_text("a: [1,\n")
    return set()


def a_folder_like_a_label(root: Path) -> set[str]:
    for suffix in LABELS:
        (root / f"odd{suffix}").mkdir()
    return set()


def upright_by_exif(root: Path) -> set[str]:
    """Stored lying; labels are of the upright picture."""
    path = picture_of(root)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    return {PICKED}


def resized(root: Path) -> set[str]:
    path = picture_of(root)
    with Image.open(path) as image:
        image.resize((2 * WIDTH, 2 * HEIGHT)).save(path)
    return {PICKED}


def composed_otherwise(root: Path) -> set[str]:
    """Names with an accent: composed in the labels, decomposed on the disk."""
    for path in sorted(root.rglob(f"{PICKED}.*")):
        name = path.name.replace(PICKED, "caf\u00e9")
        form = "NFD" if path.suffix == ".png" else "NFC"
        path.rename(path.with_name(unicodedata.normalize(form, name)))
    for path in root.rglob("*"):
        if path.suffix in LABELS:
            path.write_text(path.read_text("utf-8").replace(PICKED, "caf\u00e9"), "utf-8")
    return {PICKED}


def wrapped(root: Path) -> set[str]:
    """One folder deeper, under a name with blanks and accents."""
    inner = root / "my s\u00e9t (1)"
    held = list(root.iterdir())
    inner.mkdir()
    for path in held:
        path.rename(inner / path.name)
    return set()


def another_picture(root: Path) -> set[str]:
    """One that no label names; in class folders, one more of its class."""
    save(picture_of(root).parent / "unlabeled.png", 77)
    return {"unlabeled"}


def upper_case_labels(root: Path) -> set[str]:
    path = label_of(root)
    if path is not None and path.name != "list.csv":
        path.rename(path.with_suffix(path.suffix.upper()))
    return set()


def a_broken_label_more(root: Path) -> set[str]:
    path = label_of(root)
    if path is not None and path.stem == PICKED:
        path.with_name(f"more{path.suffix}").write_bytes(b"\xff<{[,")
    return set()


def without_permission(root: Path) -> set[str]:
    (root / "closed").mkdir(mode=0)
    return set()


def rewritten(change: Callable[[str], str], encoding: str = "utf-8") -> Callable[[Path], set[str]]:
    def vary(root: Path) -> set[str]:
        path = label_of(root)
        if path is not None:
            text = change(path.read_text("utf-8"))
            path.write_bytes(text.encode(encoding))
        return set()

    return vary


def by_digits(text: str) -> str:
    """The first number after the picked picture's name becomes one of 20 digits."""
    import re

    place = text.find(PICKED) if PICKED in text else 0
    start = text.find("bbox", place) if "bbox" in text else place + len(PICKED)
    found = re.compile(r"(?<![\w.#])\d+(\.\d+)?").search(text, max(start, 0))
    return text if found is None else text[: found.start()] + "9" * 20 + text[found.end() :]


def other_machine(text: str) -> str:
    return text.replace(f"{PICKED}.png", f"C:/Users/x/{PICKED}.png").replace("img/C:", "C:")


VARIED: dict[str, Callable[[Path], set[str]]] = {
    "missing": missing, "another suffix": another_suffix, "a pipe": a_pipe, "emptied": emptied,
    "a link to itself": a_link_to_itself, "system files": system_files, "other files": other_files,
    "a folder like a label": a_folder_like_a_label, "upright by EXIF": upright_by_exif,
    "resized": resized, "composed otherwise": composed_otherwise, "wrapped": wrapped,
    "another picture": another_picture, "upper-case labels": upper_case_labels,
    "a broken label more": a_broken_label_more, "without permission": without_permission,
    "byte order mark": rewritten(lambda text: text, "utf-8-sig"),
    "utf-16": rewritten(lambda text: text, "utf-16"),
    "carriage returns": rewritten(lambda text: text.replace("\n", "\r\n")),
    "blank lines": rewritten(lambda text: f"\n  \n{text}\n\n"),
    "twenty digits": rewritten(by_digits),
    "another machine": rewritten(other_machine),
    "cut off": rewritten(lambda text: text[: len(text) // 2]),
    "nothing in it": rewritten(lambda text: ""),
    "zero bytes": rewritten(lambda text: "\0" * len(text)),
    "not a number": rewritten(lambda text: text.replace("height", "heigth").replace(">1", ">nan")),
    "other words": rewritten(lambda text: "hello\n" * 50),
    "deep": rewritten(lambda text: "[" * 50_000 + text),
    "entities": rewritten(lambda text: '<!DOCTYPE a [<!ENTITY b "c">]>' + text),
    "no names": rewritten(lambda text: text.replace("cat", "").replace("dog", "")),
}  # fmt: skip
UNSIZED = (
    "yolo",
    "label studio",
    "outlines",
    "fiftyone",
    "samples",
    "via",
    "create ml",
)  # nothing shows a change
WHOLE = {
    "cut off",
    "nothing in it",
    "zero bytes",
    "not a number",
    "other words",
    "deep",
    "entities",
    "no names",
    "twenty digits",
    "utf-16",
}


# An empty file of YOLO says that nothing is there; who knows what a class folder had?
SILENT = {("yolo", "nothing in it"), ("folders", "missing")}


CASES = [(name, way) for name in FORMATS for way in VARIED if (name, way) not in SILENT]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_a_varied_set(tmp_path: Path, name: str, way: str) -> None:
    truth = truth_of(7)
    FORMATS[name](tmp_path, truth)
    touched = VARIED[way](tmp_path)
    own = label_of(tmp_path)
    if way in WHOLE and own is not None:  # what else stands in that file may be lost with it
        touched = {PICKED} if own.stem == PICKED else set(truth)
    data, refused = attempted(tmp_path)
    if refused:
        assert way in WHOLE, f"refused: {refused}"
        assert "\n" not in refused
        assert str(tmp_path) in refused
        return
    found, right = content(data), expected(name, truth)
    if way == "composed otherwise":
        found = {unicodedata.normalize("NFC", stem).replace("caf\u00e9", PICKED): value
                 for stem, value in found.items()}  # fmt: skip
    if way == "resized" and name not in ("folders", "list"):
        x0, y0, x1, y1 = truth[PICKED][1]
        told = " ".join(data.notes)
        doubled = [(truth[PICKED][0], (2 * x0, 2 * y0, 2 * x1, 2 * y1))]
        assert found[PICKED] == doubled or name in ("via", "create ml")  # without a size
        assert "another size" in told or name in UNSIZED
        del found[PICKED], right[PICKED]
        touched = set()
    assert {stem: found.get(stem) for stem in right if stem not in touched} == {
        stem: value for stem, value in right.items() if stem not in touched
    }
    extra = set(found) - set(right) - touched
    assert not extra, extra
    told = [f"{one.name} {one.reason}" for one in data.left_out]
    told += [*data.notes, *(f"{doubt.image} {doubt.text}" for doubt in data.targets.doubts)]
    for stem in touched:
        assert found.get(stem) == right.get(stem) or told or name == "folders", (
            f"{stem} is read otherwise without a word"
        )


MUTATIONS = 24


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "folders"])
def test_damaged_labels_never_give_a_traceback(tmp_path: Path, name: str) -> None:
    FORMATS[name](tmp_path, truth_of(0))
    path = label_of(tmp_path)
    assert path is not None
    sound = path.read_bytes()
    for seed in range(MUTATIONS):
        rng = random.Random(seed)
        data = bytearray(sound)
        for _ in range(rng.randrange(1, 12)):
            kind = rng.randrange(4)
            place = rng.randrange(len(data) or 1)
            if kind == 0 and data:
                data[place] = rng.randrange(256)
            elif kind == 1:
                del data[place : place + rng.randrange(1, 40)]
            elif kind == 2:
                data[place:place] = rng.choice(
                    [b"9" * 30, b"nan", b"-1e999", b"\0", b'"', b"[[[[", b"<a>", b"null"]
                )
            else:
                data[place:place] = data[: rng.randrange(1, 60)]
        path.write_bytes(data)
        start = time.perf_counter()
        read, refused = attempted(tmp_path)
        assert "\n" not in refused
        assert read is None or len(read.targets) == len(read)
        assert time.perf_counter() - start < 10


def test_a_pipe_named_like_an_idx_file(tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="is not a regular file"):
        striate.data.open(tmp_path)
