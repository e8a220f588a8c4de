"""Very many inputs into one file of predictions, which a killed process goes on with."""

from striate.recognizing._recognize import Recognized, recognize
from striate.recognizing.cluster import Cluster
from striate.recognizing.forms import FORMS, form_of
from striate.recognizing.sources import Inputs, given

__all__ = ["FORMS", "Cluster", "Inputs", "Recognized", "form_of", "given", "recognize"]
