"""What the options of several verbs may be. Loads no PyTorch, so that ``--help`` is quick."""

from __future__ import annotations

TASKS = ("classification", "clustering", "link_prediction")
PROBES = ("linear", "adam", "svm", "knn", "forest")
# The way out of a task that asks for every label.
CLASSIFY = "--tasks classification reads those of its splits alone"
TIGHTNESS = ("budget", "interval", "two_hop")
CONTROLS = ("raw_features", "untrained_encoder", "propagated_features", "spectral_embedding")
# Features by hop are three times as wide as the features.
ALL_CONTROLS = (*CONTROLS, "diffused_features", "diffused_topics", "features_by_hop")
