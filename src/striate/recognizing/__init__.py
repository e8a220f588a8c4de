"""Very many inputs into one file of predictions, which a killed process goes on with."""

from striate.recognizing._recognize import Recognized, recognize
from striate.recognizing.forms import FORMS, form_of

__all__ = ["FORMS", "Recognized", "form_of", "recognize"]
