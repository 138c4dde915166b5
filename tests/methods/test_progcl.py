import pytest
import torch
import torch.nn.functional as F

from gclkit.losses import infonce, mixed_infonce, weighted_infonce
from gclkit.methods import ProGCL
from gclkit.testing.graphs import planted_partition
from gclkit.testing.measure import LargestTensor


def seeded(seed=1):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def make(graph):
    def build(**options):
        torch.manual_seed(0)
        method = ProGCL(8, out_channels=6, projection_channels=5, temperature=0.4, **options)
        return method, method.prepare(graph, seeded())

    return build


def projected(method, out):
    return [method.projector(z) for z in out.embeddings]


def test_is_gca_before_the_start(make):
    method, data = make(start_epoch=4)
    out = method.step(data, 3)
    torch.testing.assert_close(out.loss, infonce(*projected(method, out), temperature=0.4))
    assert method.fit_epoch == 0


def test_weighs_from_the_start_on(make):
    method, data = make(start_epoch=4)
    out = method.step(data, 4)
    h = projected(method, out)
    torch.testing.assert_close(out.loss, weighted_infonce(*h, method.weight, temperature=0.4))
    assert method.fit_epoch == 4 and not torch.isclose(out.loss, infonce(*h, temperature=0.4))


def test_mixes_from_the_start_on(make):
    method, data = make(start_epoch=4, variant="mix", mixed=6)
    torch.manual_seed(0)
    state = None

    def remember(h1, h2, fit=method.fit):
        nonlocal state
        fit(h1, h2)
        state = method.generator.get_state()

    method.fit = remember
    out = method.step(data, 4)
    again = torch.Generator()
    again.set_state(state)
    expected = mixed_infonce(
        *projected(method, out), method.weight, mixed=6, temperature=0.4, generator=again
    )
    torch.testing.assert_close(out.loss, expected)


def test_fits_once_or_every_so_often(make):
    for refit_every, expected in ((None, [0, 3, 3, 3, 3]), (2, [0, 3, 3, 5, 5])):
        method, data = make(start_epoch=3, refit_every=refit_every)
        epochs = []
        for epoch in (2, 3, 4, 5, 6):
            method.step(data, epoch)
            epochs.append(int(method.fit_epoch))
        assert epochs == expected


def test_a_second_batch_of_an_epoch_does_not_fit_again(make):
    method, data = make(start_epoch=3, refit_every=1)
    method.step(data, 3)
    before = method.mixture.alpha.clone()
    method.step(data.subgraph(torch.arange(20)), 3)
    assert torch.equal(method.mixture.alpha, before)


def test_starting_late_fits_at_once(make):
    method, data = make(start_epoch=3)
    method.step(data, 50)
    assert method.fit_epoch == 50


def test_the_sample_is_of_negatives(make):
    method, _ = make(columns=20)
    h1, h2 = torch.randn(2, 30, 4, generator=seeded())
    seen = []
    method.mixture.fit = seen.append
    method.generator = seeded(7)
    method.fit(h1, h2)
    columns = torch.randperm(30, generator=seeded(7))[:20]
    cosine = F.normalize(h1) @ F.normalize(h2).T
    expected = [(cosine[i, j] + 1) / 2 for i in range(30) for j in columns.tolist() if i != j]
    torch.testing.assert_close(seen[0], torch.stack(expected))


def test_the_weight_is_the_chance_of_a_true_negative_times_the_similarity(make):
    method, _ = make()
    method.mixture.alpha.copy_(torch.tensor([3.0, 9.0]))
    method.mixture.beta.copy_(torch.tensor([7.0, 2.0]))
    cosine = torch.linspace(-1, 1, 21)
    shifted = (cosine + 1) / 2
    expected = method.mixture.lower_posterior(shifted) * shifted
    torch.testing.assert_close(method.weight(cosine)[1:], expected[1:])
    assert method.weight(cosine).min() == pytest.approx(1e-8)
    assert method.weight(cosine).argmax() not in (0, 20)


def test_tells_true_from_false_negatives():
    data = planted_partition(90, 3, p_in=0.6, p_out=0.01)
    torch.manual_seed(0)
    method = ProGCL(3, out_channels=16, start_epoch=1, positive_share=0.3)
    out = method.step(method.prepare(data, seeded()), 1)
    h1, h2 = (F.normalize(h) for h in projected(method, out))
    shifted = ((h1 @ h2.T + 1) / 2).detach()
    posterior = method.mixture.lower_posterior(shifted)
    same = data.y[:, None] == data.y
    assert posterior[~same].mean() > posterior[same].mean() + 0.3


@pytest.mark.parametrize("options", [{}, {"variant": "mix", "mixed": 9}])
def test_no_square_tensor_is_made(options):
    h1, h2 = torch.randn(2, 3000, 4, generator=seeded())
    method = ProGCL(8, start_epoch=1, columns=50, **options)
    with LargestTensor() as largest:
        method.contrast(h1.requires_grad_(), h2, None, 1).backward()
    # 2**22 entries of a block of rows, or a tile, against 3000**2.
    assert largest.numel <= 2**22 < 3000**2


def test_the_mixture_is_in_the_state_and_goes_with_a_reset(make):
    method, data = make(start_epoch=1)
    method.step(data, 1)
    assert {"mixture.alpha", "mixture.beta", "mixture.share", "fit_epoch"} <= set(
        method.state_dict()
    )
    method.reset_parameters()
    assert method.fit_epoch == 0 and method.mixture.alpha.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"variant": "soft"}, "'variant' must be one of ['mix', 'weight'] (got 'soft')"),
        ({"start_epoch": 0}, "'start_epoch' must be an integer of at least 1 (got 0)"),
        ({"refit_every": 0}, "'refit_every' must be an integer of at least 1 (got 0)"),
        ({"columns": 0}, "'columns' must be an integer of at least 1 (got 0)"),
        ({"mixed": 0}, "'mixed' must be an integer of at least 1 (got 0)"),
        (
            {"anchors": 64},
            "'anchors' must be None: the weights are relative to all nodes (got 64)",
        ),
    ],
)
def test_refusals(options, sentence):
    with pytest.raises(ValueError) as error:
        ProGCL(8, **options)
    assert str(error.value) == f"ProGCL: {sentence}"
