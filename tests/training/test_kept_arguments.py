import pytest
from torch import nn
from torch_geometric.transforms import Compose

from gclkit.augmentations import EdgeDrop
from gclkit.training.config import list_methods, model_options
from gclkit.training.kept_arguments import LEFT_OUT, kept_arguments

# Two values of every option of every method, of which one is not the default.
OPTIONS = {
    "absolute_features": (True, False), "activation": ("elu", "rrelu"), "alpha": (0.2, 0.3),
    "anchors": (None, 7), "centrality": ("degree", "pagerank"), "columns": (9, 10),
    "community_algorithm": ("leiden", "louvain"), "community_seed": (0, 1),
    "conv": ("gcn", "sage"), "decorrelation": (0.01, 0.02), "diffusion_threshold": (0.0, 0.1),
    "edge_drop": ("bernoulli", "budgeted"), "edge_p": ((0.2, 0.3), (0.2, 0.4)),
    "edge_threshold": (0.7, 0.8), "ego": (False, True), "feature_p": ((0.1, 0.1), (0.3, 0.1)),
    "feature_threshold": (0.7, 0.8), "final_activation": (False, True), "gamma_max": (0.5, 1.0),
    "gamma_start": (5, 6), "hidden_channels": (8, 9), "mixed": (10, 11), "momentum": (0.9, 0.99),
    "momentum_epochs": (50, 60), "norm": (None, "layer"), "num_layers": (2, 3),
    "out_channels": (8, 9), "positive_share": (0.05, 0.06), "precision": ("float32", "bfloat16"),
    "predictor_channels": (8, 9), "projection_channels": (8, 9), "ratio": (0.3, 0.4),
    "refit_every": (None, 3), "sketch": ("gaussian", "sparse"), "start_epoch": (3, 4),
    "symmetric": (False, True), "temperature": (0.5, 0.6), "threshold": (0.7, 0.8),
    "top_k": (8, 9), "topic_neighbors": (None, 3), "variant": ("single", "multi"),
}  # fmt: skip
OPTIONS_OF = {("progcl", "variant"): ("weight", "mix"), ("costa", "anchors"): None,
              ("progcl", "anchors"): None}  # fmt: skip


class Own(nn.Module):
    def __init__(self, rate, *, name="plain", backend="auto"):
        super().__init__()
        self.rate, self.name, self.backend = rate, name, backend
        self.calls = 0
        self.views = (Compose([EdgeDrop(rate)]),)
        self.head = nn.Sequential(nn.Dropout(0.3))


def test_arguments_of_a_module_its_parts_and_its_transforms():
    found = kept_arguments(Own(0.7), "own")
    expected = {
        "own": "Own",
        "own.rate": 0.7,
        "own.name": "plain",
        "own.views.0": "Compose",
        "own.views.0.transforms.0": "EdgeDrop",
        "own.views.0.transforms.0.p": 0.7,
        "own.views.0.transforms.0.symmetric": False,
        "own.views.0.transforms.0.generator": None,
        "own.head": "Sequential",
        "own.head.0": "Dropout",
        "own.head.0.p": 0.3,
        "own.head.0.inplace": False,
    }
    assert found == expected


def test_sequences_count_entry_by_entry():
    module = Own(0.2)
    module.rate = (0.1, 0.4)
    found = kept_arguments(module, "own")
    assert found["own.rate.0"] == 0.1 and found["own.rate.1"] == 0.4


def test_functions_go_by_their_names():
    def double(loss):
        return 2 * loss

    assert kept_arguments(double, "regularizer") == {"regularizer": double.__qualname__}
    assert kept_arguments(print, "regularizer") == {"regularizer": "print"}


@pytest.mark.parametrize("name", list_methods())
def test_every_option_of_every_method_tells_runs_apart(name):
    method = list_methods()[name]
    for option in model_options(method).keys() - LEFT_OUT:
        values = OPTIONS_OF.get((name, option), OPTIONS[option])
        if values is not None:  # Else the method refuses all but one.
            first, other = (kept_arguments(method(6, **{option: v}), "method") for v in values)
            assert first != other, option
