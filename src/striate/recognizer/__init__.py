"""The saved, shared, served thing: a network with all it takes to give the same answer anywhere."""

from striate.recognizer.calibration import Calibration
from striate.recognizer.recognizer import Label, Prediction, Recognizer
from striate.recognizer.storage import load

__all__ = ["Calibration", "Label", "Prediction", "Recognizer", "load"]
