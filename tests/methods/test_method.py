import inspect
import pydoc

import pytest
import torch
from torch import nn

from gclkit.encoders import GCNEncoder
from gclkit.methods import BGRL, MVGRL, Method, ProGCL, TwoViewContrast, diffused_topics
from gclkit.training import list_methods
from gclkit.training.config import model_options


class Fixed(Method):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)  # Of some draws all four units of a node are 0.
        self.encoder = GCNEncoder(8, 4, norm="batch")
        self.elsewhere = nn.Dropout(0.5)


def test_embeds_in_evaluation_mode_and_goes_back(graph):
    method = Fixed().train()
    first, again = method.embed(graph), method.embed(graph)
    assert method.training and torch.equal(first, again) and not first.requires_grad
    method.eval()
    method.embed(graph)
    assert not method.training


def test_ego_lays_the_node_alone_beside_the_node_in_the_graph(graph):
    method = Fixed()
    near = method.embed(graph)
    method.ego = True
    both = method.embed(graph)
    assert both.shape == (graph.num_nodes, 8)
    torch.testing.assert_close(both[:, :4], torch.nn.functional.normalize(near))
    torch.testing.assert_close(both.norm(dim=1), torch.full_like(both[:, 0], 2**0.5))
    moved = graph.clone()
    moved.x = graph.x.clone()
    moved.x[1:] += 3.0
    again = method.embed(moved)
    torch.testing.assert_close(again[0, 4:], both[0, 4:])
    assert not torch.allclose(again[1, 4:], both[1, 4:])


@pytest.mark.parametrize("make", [Fixed, lambda: MVGRL(8, out_channels=4)])
def test_topics_lie_beside_what_was_trained(graph, make):
    method = make()
    alone = method.embed(graph)
    torch.testing.assert_close(alone, method.encode(graph))
    method.topic_neighbors = 3
    both = method.embed(method.prepare(graph))
    torch.testing.assert_close(method.embed(graph), both)
    torch.testing.assert_close(both[:, :4], torch.nn.functional.normalize(alone))
    topics = diffused_topics(graph, neighbors=3)
    torch.testing.assert_close(both[:, 4:], torch.nn.functional.normalize(topics))


@pytest.mark.parametrize(("name", "cls"), list_methods().items())
def test_every_method_takes_topics_by_name(graph, name, cls):
    method = cls(8, out_channels=4, topic_neighbors=3)
    assert method.embed(method.prepare(graph)).shape == (36, 11)
    with pytest.raises(ValueError) as error:
        cls(8, topic_neighbors=-2)
    sentence = "'topic_neighbors' must be an integer of at least 0 (got -2)"
    assert str(error.value) == f"{cls.__name__}: {sentence}"


@pytest.mark.parametrize(("name", "cls"), list_methods().items())
def test_an_unknown_argument_is_refused_in_the_name_of_the_method(name, cls):
    with pytest.raises(TypeError) as error:
        cls(8, outchannels=4)
    assert str(error.value) == f"{cls.__name__}() got an unexpected keyword argument 'outchannels'"


def test_more_topic_neighbors_than_nodes_are_refused_before_training(graph):
    method = Fixed()
    method.topic_neighbors = graph.num_nodes
    with pytest.raises(ValueError, match=r"^Fixed: 'topic_neighbors' must be less than the "):
        method.prepare(graph)


def test_prepare_checks_and_takes_the_generator(graph):
    method, generator = Fixed(), torch.Generator()
    assert method.prepare(graph, generator) is graph and method.generator is generator
    graph.edge_index = graph.edge_index[:, :0]
    with pytest.raises(ValueError, match=r"^Fixed: 'edge_index' must be "):
        method.prepare(graph)


def test_reset_reaches_the_children():
    method = Fixed()
    before = method.encoder.convs[0].lin.weight.clone()
    method.reset_parameters()
    assert not torch.equal(before, method.encoder.convs[0].lin.weight)


def test_a_method_must_define_its_step(graph):
    with pytest.raises(TypeError, match=r"^Fixed: a method must define step\(batch, epoch\)$"):
        Fixed().step(graph, 1)


@pytest.mark.parametrize("cls", [*list_methods().values(), TwoViewContrast])
def test_the_signature_tells_every_option(cls):
    parameters = inspect.signature(cls).parameters
    kinds = {parameter.kind for parameter in parameters.values()}
    assert kinds <= {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    assert set(parameters) == {"in_channels", *model_options(cls)}


def test_a_default_is_that_of_the_class_that_changes_it_last():
    defaults = {name: p.default for name, p in inspect.signature(BGRL).parameters.items()}
    assert (defaults["norm"], defaults["edge_p"], defaults["num_layers"]) == (
        "batch", (0.2, 0.4), 2
    )  # fmt: skip
    assert (
        "temperature: 'float' = 0.5" in pydoc.render_doc(ProGCL).partition("Method resolution")[0]
    )


def test_a_subclass_keeps_its_own_arguments():
    class Own(ProGCL):
        def __init__(self, *args, extra, **rest):
            super().__init__(*args, **rest)

    class Closed(ProGCL):
        def __init__(self):
            super().__init__(3)

    class Same(ProGCL):
        pass

    own = inspect.signature(Own).parameters
    assert list(own)[:3] == ["args", "extra", "variant"] and "conv" in own and "rest" not in own
    assert not inspect.signature(Closed).parameters
    assert inspect.signature(Same) == inspect.signature(ProGCL)
