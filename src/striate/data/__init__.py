"""Where images and targets come from; nothing below this package knows where pixels lie."""

from striate.data.batches import Batch, Batches
from striate.data.boxes import BoxedDataset, Doubt, Objects
from striate.data.catalog import CATALOG, Entry
from striate.data.dataset import SPLITS, Array, Dataset, Files, Images, LeftOut
from striate.data.native import SMALL, native
from striate.data.open import open
from striate.data.pixels import Decoded, decode
from striate.data.splits import stratified

__all__ = [
    "CATALOG",
    "SMALL",
    "SPLITS",
    "Array",
    "Batch",
    "Batches",
    "BoxedDataset",
    "Dataset",
    "Decoded",
    "Doubt",
    "Entry",
    "Files",
    "Images",
    "LeftOut",
    "Objects",
    "decode",
    "native",
    "open",
    "stratified",
]
