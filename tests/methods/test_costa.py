import pytest
import torch

from gclkit.encoders import view_features
from gclkit.losses import clip_infonce
from gclkit.methods import COSTA
from gclkit.methods.covariance_sketch import covariance_sketch


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def make(graph):
    def build(**options):
        torch.manual_seed(0)
        method = COSTA(8, out_channels=6, projection_channels=5, temperature=0.4, **options)
        return method, method.prepare(graph, seeded())

    return build


@pytest.mark.parametrize("sketch", ["gaussian", "sparse"])
def test_a_step_projects_and_contrasts_one_sketch_of_both_views(make, sketch):
    method, data = make(sketch=sketch)
    after = torch.Generator()
    original = method.sketch_views

    def remember(z1, z2):
        after.set_state(method.generator.get_state())
        return original(z1, z2)

    method.sketch_views = remember
    out = method.step(data, 1)
    p = covariance_sketch(torch.eye(36), 18, kind=sketch, generator=after)
    h = [method.projector(p @ z) for z in out.embeddings]
    torch.testing.assert_close(out.loss, clip_infonce(*h, temperature=0.4), rtol=1e-4, atol=1e-5)
    assert all(z.shape == (36, 6) for z in out.embeddings)


def test_one_sketch_for_both_views_or_one_each(make):
    z = torch.randn(36, 6, generator=seeded(0))
    for variant, same in (("single", True), ("multi", False)):
        method, _ = make(variant=variant)
        first, second = method.sketch_views(z, z)
        assert first.shape == (18, 6) and torch.allclose(first, second) == same


@pytest.mark.parametrize(("ratio", "rows"), [(0.5, 18), (0.1, 3), (1.0, 36), (0.001, 1)])
def test_the_ratio_sets_the_rows(make, ratio, rows):
    method, _ = make(ratio=ratio)
    assert len(method.sketch_views(torch.ones(36, 6), torch.ones(36, 6))[0]) == rows


def test_views_are_augmented_at_the_rates_of_each(make, graph):
    method, data = make(edge_p=(0.0, 1.0), feature_p=(1.0, 0.0))
    first, second = method.step(data, 1).views
    assert first.num_edges == graph.num_edges and view_features(first).abs().sum() == 0
    assert second.num_edges == 0 and torch.equal(view_features(second), graph.x)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"variant": "both"}, "'variant' must be one of ['multi', 'single'] (got 'both')"),
        ({"sketch": "dct"}, "'sketch' must be one of ['gaussian', 'sparse'] (got 'dct')"),
        ({"ratio": 0.0}, "'ratio' must be above 0 (got 0.0)"),
        ({"ratio": 1.5}, "'ratio' must be a probability in [0, 1] (got 1.5)"),
        ({"anchors": 4}, "'anchors' must be left unset: COSTA contrasts mixtures of nodes (got 4)"),
        (
            {"edge_p": 0.1},
            "'edge_p' must be one probability per view, two in all (got 0.1)",
        ),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as error:
        COSTA(8, **options)
    assert str(error.value) == f"COSTA: {sentence}"
