"""Every task by name: a folder here, and a line below.

A task of a person's own is a line, too: `TASKS["brightness"] = Brightness()`.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

from striate.tasks.contract import Task


class Tasks(MutableMapping[str, Task]):
    """Tasks by name, each imported when it is first asked for: who recognizes a picture does not
    wait for what reads speech.

    Args:
        places: module and class of each, as in "striate.tasks.faces.task.Faces".
    """

    def __init__(self, places: Mapping[str, str]):
        self._known: dict[str, Task | str] = dict(places)

    def __getitem__(self, name: str) -> Task:
        found = self._known[name]
        if isinstance(found, str):
            module, _, kind = found.rpartition(".")
            task: Task = getattr(import_module(module), kind)()
            self._known[name] = found = task
        return found

    def __setitem__(self, name: str, task: Task) -> None:
        self._known[name] = task

    def __delitem__(self, name: str) -> None:
        del self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


TASKS = Tasks(
    {
        "captions": "striate.tasks.captions.task.Captions",
        "classification": "striate.tasks.classification.task.Classification",
        "detection": "striate.tasks.detection.task.Detection",
        "faces": "striate.tasks.faces.task.Faces",
        "generation": "striate.tasks.generation.task.Generation",
        "keypoints": "striate.tasks.keypoints.task.KeyPoints",
        "questions": "striate.tasks.questions.task.QuestionsTask",
        "segmentation": "striate.tasks.segmentation.task.Segmentation",
        "speech": "striate.tasks.speech.task.Speech",
        "style": "striate.tasks.style.task.Style",
        "tags": "striate.tasks.tags.task.TagsTask",
        "text": "striate.tasks.text.task.Text",
    }
)
