import pytest
import torch

from gclkit.augmentations import Diffusion, diffusion_view
from gclkit.methods import MVGRL
from gclkit.methods.node_summary import summarize_nodes


@pytest.fixture
def method():
    torch.manual_seed(0)
    return MVGRL(8, out_channels=6, alpha=0.3, top_k=7)


def test_prepare_writes_the_diffusion(graph, method):
    data = method.prepare(graph)
    expected = Diffusion(alpha=0.3, top_k=7)(graph)
    assert torch.equal(data.diffusion_column, expected.diffusion_column)
    assert torch.equal(data.diffusion_value, expected.diffusion_value)
    assert "diffusion_column" not in graph


def test_a_diffusion_that_the_graph_holds_is_used(graph, method):
    given = Diffusion(alpha=0.6, top_k=4)(graph)
    assert torch.equal(method.prepare(given).diffusion_value, given.diffusion_value)
    given.diffusion_value = given.diffusion_value[1:]
    expected = Diffusion(alpha=0.3, top_k=7)(graph)
    assert torch.equal(method.prepare(given).diffusion_value, expected.diffusion_value)
    assert "diffusion_column" not in graph


def test_a_step_crosses_nodes_and_summaries(graph, method):
    data = method.prepare(graph, torch.Generator().manual_seed(1))
    out = method.step(data, 1)
    z, diffused = out.embeddings
    x = graph.x[torch.randperm(36, generator=torch.Generator().manual_seed(1))]
    view = diffusion_view(data)
    noise = method.encoder(x, graph.edge_index)
    diffused_noise = method.diffusion_encoder(x, view.edge_index, view.edge_weight)
    losses = [
        method.discriminator(z, noise, summarize_nodes(diffused)),
        method.discriminator(diffused, diffused_noise, summarize_nodes(z)),
    ]
    torch.testing.assert_close(out.loss, (losses[0] + losses[1]) / 2)
    torch.testing.assert_close(out.terms["graph"], losses[0].detach())
    torch.testing.assert_close(out.terms["diffusion"], losses[1].detach())


def test_the_embedding_is_the_sum_of_both_encoders(graph, method):
    data = method.prepare(graph)
    z, diffused = method.step(data, 1).embeddings
    torch.testing.assert_close(method.embed(data), (z + diffused).detach())


def test_embeds_in_evaluation_mode_and_goes_back(graph):
    method = MVGRL(8, out_channels=6, norm="batch")
    seen = [encoder.norms[0].running_mean for encoder in (method.encoder, method.diffusion_encoder)]
    before = [mean.clone() for mean in seen]
    method.embed(graph)
    assert method.training and all(map(torch.equal, seen, before))


def test_the_encoders_share_nothing(method):
    first, second = (e.convs[0].lin.weight for e in (method.encoder, method.diffusion_encoder))
    assert first is not second and not torch.equal(first, second)


def test_a_threshold_thins_the_diffusion(graph):
    full, thin = (
        diffusion_view(MVGRL(8, top_k=36, diffusion_threshold=t).prepare(graph))
        for t in (0.0, 0.05)
    )
    assert thin.num_edges < full.num_edges and (thin.edge_weight >= 0.05).all()


def test_no_node_stands_alone(graph, method):
    method.ego = True
    sentence = (
        r"^MVGRL: 'ego' must be False: its embedding is the sum of two encoders \(got True\)$"
    )
    with pytest.raises(ValueError, match=sentence):
        method.prepare(graph)


def test_refusals():
    for options, sentence in [
        ({"alpha": 0.0}, "Diffusion: 'alpha' must be above 0 (got 0.0)"),
        ({"top_k": 0}, "Diffusion: 'top_k' must be an integer of at least 1 (got 0)"),
        (
            {"activation": "step"},
            "GNNEncoder: 'activation' must be one of ['elu', 'identity', 'leaky_relu', 'prelu', "
            "'relu', 'rrelu'] (got 'step')",
        ),
    ]:
        with pytest.raises(ValueError) as error:
            MVGRL(8, **options)
        assert str(error.value) == sentence
