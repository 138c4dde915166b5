import pytest
import torch
from torch import nn
from torch_geometric.nn import GCNConv

from gclkit.bounds.modules import class_names, members, numbered_modules, repeatable, uncompiled


class Wide(GCNConv):
    """Computes what its base does."""


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.act = GCNConv(3, 2), nn.ReLU()

    def layers(self):
        return [(self.conv, None, self.act)]


def test_modules_in_their_order():
    encoder, head = Encoder(), nn.Linear(2, 2)
    first = [("layer 1", encoder.conv), ("layer 1", encoder.act)]
    assert list(numbered_modules("test", encoder)) == first
    assert list(numbered_modules("test", [*encoder.layers(), head])) == [*first, ("layer 2", head)]


def test_what_torch_compile_wrapped():
    encoder = Encoder()
    compiled = torch.compile(encoder, backend="eager")
    assert uncompiled(compiled) is encoder and uncompiled(encoder) is encoder
    assert list(numbered_modules("test", compiled)) == list(numbered_modules("test", encoder))
    conv = torch.compile(encoder.conv, backend="eager")
    assert list(members("layer 1", "test", (conv, encoder.act))) == [encoder.conv, encoder.act]


def test_the_layers_of_an_iterator_are_kept():
    convs, activations = [GCNConv(3, 2)], [nn.ReLU()]
    kept = repeatable(zip(convs, activations, strict=True))
    assert kept == [(convs[0], activations[0])] and repeatable(kept) is kept


def test_a_subclass_has_the_name_of_its_base():
    assert {"Wide", "GCNConv", "Module"} <= class_names(Wide(3, 2))


def test_what_is_no_encoder_is_refused():
    with pytest.raises(ValueError, match=r"^test: 'encoder' must be an object with a method 'lay"):
        list(numbered_modules("test", nn.Linear(3, 2)))
