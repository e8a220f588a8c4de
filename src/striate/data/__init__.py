"""Where inputs and targets come from; nothing below this package knows where pixels lie.

None of these names needs torch; `batches`, which learning reads, does.
"""

from striate.data._native import SMALL, native
from striate.data._open import READERS, UNMARKED, Reader, open
from striate.data.boxes import Boxes, Doubt, Objects
from striate.data.catalog import CATALOG, Entry
from striate.data.dataset import SPLITS, Array, Dataset, Files, Inputs, LeftOut
from striate.data.depth import bits_of
from striate.data.masks import VOID, MaskDoubt, Masks
from striate.data.people import People
from striate.data.pixels import Decoded, decode
from striate.data.points import PointDoubt, Points
from striate.data.prepared import Prepared
from striate.data.splits import stratified
from striate.data.tags import Tags
from striate.data.targets import Facts, Labels, Targets
from striate.data.texts import ReadTexts, TextFiles, Texts, read_texts
from striate.data.unmarked import Unmarked

__all__ = [
    "CATALOG",
    "READERS",
    "SMALL",
    "SPLITS",
    "UNMARKED",
    "VOID",
    "Array",
    "Boxes",
    "Dataset",
    "Decoded",
    "Doubt",
    "Entry",
    "Facts",
    "Files",
    "Inputs",
    "Labels",
    "LeftOut",
    "MaskDoubt",
    "Masks",
    "Objects",
    "People",
    "PointDoubt",
    "Points",
    "Prepared",
    "ReadTexts",
    "Reader",
    "Tags",
    "Targets",
    "TextFiles",
    "Texts",
    "Unmarked",
    "bits_of",
    "decode",
    "native",
    "open",
    "read_texts",
    "stratified",
]
