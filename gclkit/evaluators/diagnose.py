"""All diagnostics of one set of embeddings as a plain dict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch_geometric.data import Data

from gclkit.checks import check_count, check_edges, check_one_each
from gclkit.evaluators.group_accuracy import accuracy_by_degree, accuracy_by_quantile
from gclkit.evaluators.inputs import check_embeddings
from gclkit.evaluators.pair_diagnostics import (
    anisotropy,
    hardness,
    neighbor_alignment,
    similarity_histograms,
    tolerance,
    uniformity,
)
from gclkit.evaluators.probe_scores import ProbeScores
from gclkit.evaluators.spectrum import covariance_spectrum, rank_of_spectrum
from gclkit.graphs.check_graph import check_data
from gclkit.graphs.split import Split


def diagnose(
    z: Float[Tensor, "n d"],
    data: Data,
    *,
    temperature: float = 0.5,
    scores: Sequence[tuple[Split, ProbeScores]] = (),
    at_most: int = 20_000,
    seed: int = 0,
) -> dict[str, Any]:
    """Describes embeddings: directions, spectrum, similarities, accuracy by group.

    For directions and similarities rows of zeros are equal to each other and orthogonal to all
    others.

    Args:
        z: Embeddings.
        data: Their graph. Edges give ``alignment`` (over neighbors); ``y``, where there is one,
            ``tolerance`` and the histograms, without the nodes whose class a negative label marks
            as unknown; ``node_strength``, as
            :class:`gclkit.communities.AddCommunities` writes it, a grouping of the accuracies.
        temperature: Of the hardness of the negatives.
        scores: Splits and what a classifier reached on them, for ``accuracy_by``.
        at_most: Nodes in the statistics of all pairs; of a larger graph so many are sampled.
        seed: Of the sample.

    Returns:
        Plain numbers: ``alignment``, ``uniformity``, ``tolerance``, ``tolerance_conditional``,
        ``anisotropy``, ``effective_rank``, ``effective_negatives``, ``hardness_entropy``,
        ``pair_nodes``, ``spectrum``, ``similarity``, ``accuracy_by``; what does not apply is
        left out.

    Raises:
        ValueError: If embeddings, edges or labels do not fit the graph, or a setting is out of
            range.
    """
    check_count("diagnose", "at_most", at_most, at_least=2)
    z = check_embeddings("diagnose", z, check_data("diagnose", data).num_nodes)
    spectrum = covariance_spectrum(z)
    found: dict[str, Any] = {
        "effective_rank": rank_of_spectrum(spectrum),
        "anisotropy": anisotropy(z),
        "spectrum": spectrum.tolist(),
    }
    edge_index, y = data.edge_index, data.get("y")
    if edge_index is not None:
        check_edges("diagnose", edge_index, len(z))
    if edge_index is not None and edge_index.numel():
        found["alignment"] = neighbor_alignment(z, edge_index)
    sample = torch.arange(len(z))
    if len(z) > at_most:
        generator = torch.Generator().manual_seed(seed)
        sample = torch.randperm(len(z), generator=generator)[:at_most]
    sample = sample.to(z.device)
    some = z[sample]
    hard = hardness(some, temperature=temperature)
    found |= {
        "uniformity": uniformity(some),
        "hardness_entropy": hard.entropy,
        "effective_negatives": hard.effective_negatives,
        "pair_nodes": len(some),
    }
    if y is not None:
        y = check_one_each("diagnose", "y", y, len(z), "label per node").to(z.device)
        known = y >= 0
        sample = sample[known[sample]]
    if y is not None and len(sample) > 1:
        found["tolerance"] = tolerance(z[known], y[known])
        conditional = tolerance(z[known], y[known], conditional=True)
        if conditional == conditional:  # NaN where no class has two nodes.
            found["tolerance_conditional"] = conditional
        found["similarity"] = similarity_histograms(z[sample], y[sample])
    if scores and y is not None:
        nodes = torch.cat([split.test for split, _ in scores])
        correct = torch.cat([score.predicted == y.cpu()[split.test] for split, score in scores])
        found["accuracy_by"] = {}
        if edge_index is not None and edge_index.numel():
            by_degree = accuracy_by_degree(edge_index.cpu(), nodes, correct)
            found["accuracy_by"]["degree"] = by_degree
        strength = data.get("node_strength")
        if strength is not None:
            by_strength = accuracy_by_quantile(strength.cpu()[nodes], correct)
            found["accuracy_by"]["community_strength"] = by_strength
    return found
