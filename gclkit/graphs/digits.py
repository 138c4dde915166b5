"""The embedded default: handwritten digits as a nearest-neighbour graph."""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Data

from gclkit.checks import check_count, reject


def digits(*, k: int = 10) -> Data:
    """Builds the graph of scikit-learn's bundled digits: 1,797 images, 64 pixels, 10 classes.

    Two images are joined if either is among the ``k`` nearest neighbours of the other under
    cosine similarity. Nothing is drawn at random and nothing is read but the installed package.

    Args:
        k: Neighbours per image, from 1 to 1,796.

    Returns:
        A graph with pixels in [0, 1] as features.

    Raises:
        ValueError: If ``k`` is out of range.
    """
    from sklearn.datasets import load_digits

    images = load_digits()
    pixels = np.asarray(images.data, dtype=np.float64)
    n = len(pixels)
    if check_count("digits", "k", k) >= n:
        reject("digits", "k", f"at most {n - 1}, the number of other images", k)
    # Pixels are whole numbers, so these products are exact and the squared cosine (up to a
    # factor per row) is one correctly rounded division: the same neighbours on every machine.
    products = pixels @ pixels.T
    similarity = products**2 / products.diagonal()
    np.fill_diagonal(similarity, -np.inf)
    # Stable, so that ties fall to the lower index.
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    adjacent = np.zeros((n, n), dtype=bool)
    adjacent[np.arange(n)[:, None], nearest] = True
    edge_index = torch.from_numpy(np.stack(np.nonzero(adjacent | adjacent.T)).astype(np.int64))
    return Data(
        x=torch.from_numpy((pixels / 16).astype(np.float32)),
        edge_index=edge_index,
        y=torch.from_numpy(images.target.astype(np.int64)),
    )
