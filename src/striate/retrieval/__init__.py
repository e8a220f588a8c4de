"""A folder of pictures that is searched by picture: deep features, whitened, compared by cosine.

index = striate.retrieval.build(["photos/"], "photos.index", Ask("efficientnet_lite0")).index
searcher = striate.retrieval.Searcher(index)
for hits in searcher.search(["cat.jpg"]): ...
"""

from striate.retrieval._duplicates import Pair, duplicates
from striate.retrieval.aggregation import Aggregation
from striate.retrieval.approximate import Approximate, build_approximate
from striate.retrieval.building import Ask, Built, build, recognizer_of
from striate.retrieval.changing import remove
from striate.retrieval.describing import Describer, Description
from striate.retrieval.evaluating import Retrieved, evaluate
from striate.retrieval.expansion import Expansion
from striate.retrieval.index import Index
from striate.retrieval.page import write_results
from striate.retrieval.searcher import Hit, Hits, Searcher
from striate.retrieval.searching import Nearest, search, search_plainly
from striate.retrieval.truth import Truth, Wanted, read_truth
from striate.retrieval.whitening import Whitening

__all__ = [
    "Aggregation",
    "Approximate",
    "Ask",
    "Built",
    "Describer",
    "Description",
    "Expansion",
    "Hit",
    "Hits",
    "Index",
    "Nearest",
    "Pair",
    "Retrieved",
    "Searcher",
    "Truth",
    "Wanted",
    "Whitening",
    "build",
    "build_approximate",
    "duplicates",
    "evaluate",
    "read_truth",
    "recognizer_of",
    "remove",
    "search",
    "search_plainly",
    "write_results",
]
