"""Every kind of inputs that can be checked, by `Inputs.thing`: a module, and a line below."""

from collections.abc import Mapping

from striate.checking.kind import Kind
from striate.checking.pictures import PICTURES
from striate.checking.questions import QUESTIONS
from striate.checking.recordings import RECORDINGS
from striate.checking.texts import TEXTS

KINDS: Mapping[str, Kind] = {
    "image": PICTURES,
    "question": QUESTIONS,
    "recording": RECORDINGS,
    "text": TEXTS,
}
