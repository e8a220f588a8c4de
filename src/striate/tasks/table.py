"""Every task by name: a folder here, and a line below.

A task of a person's own is a line, too: `TASKS["brightness"] = Brightness()`.
"""

from striate.tasks.captions.task import Captions
from striate.tasks.classification.task import Classification
from striate.tasks.contract import Task
from striate.tasks.detection.task import Detection
from striate.tasks.faces.task import Faces
from striate.tasks.generation.task import Generation
from striate.tasks.keypoints.task import KeyPoints
from striate.tasks.questions.task import QuestionsTask
from striate.tasks.segmentation.task import Segmentation
from striate.tasks.speech.task import Speech
from striate.tasks.style.task import Style
from striate.tasks.tags.task import TagsTask
from striate.tasks.text.task import Text

TASKS: dict[str, Task] = {
    "captions": Captions(),
    "classification": Classification(),
    "detection": Detection(),
    "faces": Faces(),
    "generation": Generation(),
    "keypoints": KeyPoints(),
    "questions": QuestionsTask(),
    "segmentation": Segmentation(),
    "speech": Speech(),
    "style": Style(),
    "tags": TagsTask(),
    "text": Text(),
}
