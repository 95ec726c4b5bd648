"""Weights in a plane by t-SNE."""

from typing import NamedTuple

from hwcore.analyses.components import Array, principal_components
from hwcore.errors import HwcoreError

# A perplexity counts neighbours: more than a third of the points are no neighbourhood.
_NEIGHBOURS = 3
_ITERATIONS = 5000  # at most; most end after a thousand
_FEWEST = 5  # points: a perplexity of more than one neighbour


class Embedding(NamedTuple):
    """The coordinates (n, 2), the perplexity they were made with, and the Kullback-Leibler divergence left."""

    coordinates: Array
    perplexity: float
    divergence: float


def tsne(rows: Array, perplexity: float) -> Embedding:
    """The embedding of ``rows`` (n, p) in the plane (van der Maaten & Hinton 2008, JMLR 9, 2579).

    Its perplexity is ``perplexity``, or a third of the number of other rows where this is less.  By exact sums, and
    from the first two principal components, so that no random number is drawn and the embedding keeps what it can
    of the arrangement of all rows (Kobak & Berens 2019, Nature Communications 10, 5416).

    Raises HwcoreError if a row is not finite, if there are fewer than five, or if all are the same.
    """
    # takes a second to load, which no other analysis needs
    from sklearn.manifold import TSNE  # noqa: PLC0415

    components = principal_components(rows, 2)
    start = components.project(rows)
    perplexity = min(perplexity, (len(rows) - 1) / _NEIGHBOURS)
    spread = start[:, 0].std()
    if len(rows) < _FEWEST or spread == 0:
        raise HwcoreError(
            f"trajectory: method: tsne: needs {_FEWEST} recorded weights that differ, but there are {len(rows)}; "
            "record more epochs"
        )
    # scikit-learn's own least rate, 50, leaves the 15 records of 3 short runs at 80 times the divergence of 10
    rate = min(50.0, len(rows))
    # scikit-learn scales components so too: all points are close at first, and none is stuck behind another
    start = start / spread * 1e-4
    method = TSNE(2, perplexity=perplexity, init=start, method="exact", learning_rate=rate, max_iter=_ITERATIONS)
    coordinates = method.fit_transform(rows - components.mean)
    return Embedding(coordinates, perplexity, float(method.kl_divergence_))
