from torch import nn
from torch_geometric.transforms import Compose

from gclkit.augmentations import EdgeDrop
from gclkit.training.kept_arguments import kept_arguments


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
