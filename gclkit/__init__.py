"""Graph contrastive learning on PyTorch Geometric.

The rooms of the package are the stations of one line, and imports follow it::

    graph -> communities -> augmentations -> encoder -> loss + regularizer -> evaluators -> report

====================  ============================================================
room                  what it holds
====================  ============================================================
``graphs``            loading and preparing graphs, splits
``communities``       detection, community and node strength, edge scores
``augmentations``     graph -> view, as PyG transforms
``encoders``          view -> embeddings, projectors
``ops``               masked log-sum-exp over similarities, with backends
``losses``            embeddings -> scalar, each a function and a thin module
``bounds``            sound bounds through a graph encoder
``regularizers``      terms added to anybody's loss (POT)
``methods``           one published method per file
``training``          the loop, checkpoints, recipes
``evaluators``        embeddings, labels and a split -> scores
``reports``           scores -> files
``cli``               ``gclkit <verb>``
``testing``           graphs, assertions and instruments for tests and benchmarks
====================  ============================================================

Importing :mod:`gclkit` imports none of them.
"""

__version__ = "0.1.0"
