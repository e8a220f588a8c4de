"""The saved, shared, served thing: a network with all it takes to give the same answer anywhere."""

from striate.recognizer.calibration import Calibration
from striate.recognizer.exported import Exported
from striate.recognizer.familiarity import Familiarity
from striate.recognizer.prediction import Label, Prediction
from striate.recognizer.recognizer import Recognizer
from striate.recognizer.storage import load, load_trained

__all__ = [
    "Calibration",
    "Exported",
    "Familiarity",
    "Label",
    "Prediction",
    "Recognizer",
    "load",
    "load_trained",
]
