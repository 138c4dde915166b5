"""What holds for every loss."""

import inspect
import sys

import numpy as np
import pytest
import torch

from gclkit import losses
from gclkit.checks import NotFinite, Rejected
from gclkit.ops import release_memory, similarity_logsumexp
from gclkit.testing.measure import LargestTensor, PeakBytes

N = 12
PAIRS = torch.tensor([[0, 0, 3, 5], [2, 7, 3, 6]])
STRENGTH = torch.linspace(-0.4, 0.9, N)
LABELS = torch.arange(N) % 4


def seeded():
    return torch.Generator().manual_seed(5)


def weight(similarity):
    return 0.1 + (similarity + 1).square()


# Each public loss on two views, with the arguments that it cannot do without.
CALLS = {
    "barlow_twins": losses.barlow_twins,
    "bootstrap_cosine": lambda a, b: losses.bootstrap_cosine(a, b, b.detach(), a.detach()),
    "cca_ssg": losses.cca_ssg,
    "clip_infonce": losses.clip_infonce,
    "dcl": losses.dcl,
    "dclw": losses.dclw,
    "debiased_infonce": losses.debiased_infonce,
    "hardness_infonce": losses.hardness_infonce,
    "infonce": losses.infonce,
    "jsd": losses.jsd,
    "mixed_infonce": lambda a, b, **o: losses.mixed_infonce(
        a, b, weight, mixed=5, generator=seeded(), **o
    ),
    "summary_jsd": lambda a, b, **o: losses.summary_jsd(
        a, b[:4], membership=torch.arange(N) % 4, **o
    ),
    "supervised_contrast": lambda a, b, **o: losses.supervised_contrast(
        torch.cat([a, b]), labels=LABELS.repeat(2), **o
    ),
    "team_up": lambda a, b, **o: losses.team_up(a, b, STRENGTH, gamma=0.7, **o),
    "triplet_margin": lambda a, b: losses.triplet_margin(a, b, a.flip(0)),
    "vicreg": losses.vicreg,
    "weighted_infonce": lambda a, b, **o: losses.weighted_infonce(a, b, weight, **o),
}
WITH_POSITIVES = {
    "infonce": lambda a, b, **o: losses.infonce(a, b, positives=PAIRS, **o),
    "dcl": lambda a, b, **o: losses.dcl(a, b, positives=PAIRS, **o),
    "supervised_contrast": lambda a, b, **o: losses.supervised_contrast(
        a, positives=PAIRS[:, :2], **o
    ),
}
CASES = [*CALLS.items(), *WITH_POSITIVES.items()]
LINEAR = {"barlow_twins", "cca_ssg", "triplet_margin", "vicreg"}  # In the nodes: no blocks.

# Losses of rows that are not brought to one length, and from which size on they overflow.
UNSCALED = {"jsd": 1e20, "summary_jsd": 1e20, "triplet_margin": 1e20, "vicreg": 1e10}


def test_no_loss_is_forgotten():
    functions = {name for name in losses.__all__ if name.islower()}
    assert functions - {"estimate_memory"} == set(CALLS)


@pytest.mark.parametrize(("name", "call"), CASES)
def test_gives_the_same_bits_within_autocast(views, name, call):
    z1, z2 = views(N, dtype=torch.float32)
    results = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = call(z1, z2)
        results.append((loss, *torch.autograd.grad(loss, (z1, z2), allow_unused=True)))
    assert results[1][0].dtype == torch.float32
    for plain, within in zip(*results, strict=True):
        assert (plain is within is None) or torch.equal(plain, within)


COOLED = [
    name for name in CALLS if "temperature" in inspect.signature(getattr(losses, name)).parameters
]


@pytest.mark.parametrize("name", COOLED)
@pytest.mark.parametrize("block_rows", [None, 7])
def test_a_temperature_may_be_learned(views, name, block_rows):
    z1, z2 = (z.detach() for z in views(N))

    def loss(temperature):
        return CALLS[name](z1, z2, temperature=temperature, block_rows=block_rows)

    learned = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(loss(learned), loss(0.3))
    assert torch.autograd.gradcheck(loss, learned)


# What is handed over where no view can be cut or stacked.
AS_FIRST = {
    "bootstrap_cosine": lambda a, b: losses.bootstrap_cosine(a, b, b, b),
    "supervised_contrast": lambda a, b: losses.supervised_contrast(a, labels=LABELS),
    "triplet_margin": lambda a, b: losses.triplet_margin(a, b, b),
}


@pytest.mark.parametrize("value", [np.ones((N, 3), np.float32), [[1.0]], None])
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_tensor_is_refused(views, name, value):
    with pytest.raises(Rejected) as error:
        AS_FIRST.get(name, CALLS[name])(value, views(N)[1])
    got = f"must be a tensor (got '{type(value).__name__}')"
    assert str(error.value).startswith(f"{name}: ") and str(error.value).endswith(got)


@pytest.mark.parametrize(
    ("argument", "call"),
    [
        ("strength", lambda a, b, v: losses.team_up(a, b, v, gamma=0.5)),
        ("labels", lambda a, b, v: losses.supervised_contrast(a, labels=v)),
        ("positives", lambda a, b, v: losses.infonce(a, b, positives=v)),
        ("membership", lambda a, b, v: losses.summary_jsd(a, b, membership=v)),
        ("key_bias", lambda a, b, v: similarity_logsumexp(a, b, key_bias=v)),
        ("exclude", lambda a, b, v: similarity_logsumexp(a, b, exclude=v)),
    ],
)
def test_what_goes_with_the_views_is_a_tensor_too(views, argument, call):
    for value in ([0] * N, np.zeros(N, np.int64)):
        with pytest.raises(Rejected) as error:
            call(*views(N), value)
        assert f": '{argument}' must be " in str(error.value)
        assert f"(got '{type(value).__name__}')" in str(error.value)


@pytest.mark.parametrize("size", [1e10, 1e20, 3e38])
@pytest.mark.parametrize(("name", "call"), CASES)
def test_huge_embeddings_give_no_nan(views, name, call, size):
    z1, z2 = (view / view.abs().max() for view in views(N, dtype=torch.float64))
    z1, z2 = ((size * view).float().detach().requires_grad_() for view in (z1, z2))
    if name in UNSCALED and size >= UNSCALED[name]:
        with pytest.raises(NotFinite) as error:
            call(z1, z2)
        assert f"{name}: " in str(error.value) and f"(got 'entries up to {size:.1e}')" in str(
            error.value
        )
        return
    loss = call(z1, z2)
    loss.backward()
    assert loss.isfinite() and z1.grad.isfinite().all()


@pytest.mark.parametrize(
    "name",
    [
        "clip_infonce",
        "dcl",
        "dclw",
        "debiased_infonce",
        "hardness_infonce",
        "infonce",
        "mixed_infonce",
        "weighted_infonce",
    ],
)
def test_a_single_node_has_no_negatives_and_no_loss(views, name):
    z1, z2 = views(1)
    loss = CALLS[name](z1, z2)
    loss.backward()
    assert loss.item() == 0 and z1.grad.eq(0).all() and z2.grad.eq(0).all()


@pytest.mark.parametrize(("name", "call"), CASES)
def test_has_a_second_derivative_or_refuses_it(views, name, call):
    inputs = views(N)
    if name in LINEAR:
        assert torch.autograd.gradgradcheck(call, inputs)
        return
    with pytest.raises(ValueError) as error:
        torch.autograd.grad(call(*inputs), inputs, create_graph=True, allow_unused=True)
    assert str(error.value) == (
        "backward: 'create_graph' must be False: a loss over similarities has no second "
        "derivative (got True)"
    )


# Each module, its function, and a value for each of its settings that is not the default.
MODULES = [
    (losses.BarlowTwins, "barlow_twins", {"weight": 0.3}),
    (losses.BootstrapCosine, "bootstrap_cosine", {}),
    (losses.CCASSG, "cca_ssg", {"weight": 0.02}),
    (losses.ClipInfoNCE, "clip_infonce", {"temperature": 0.2}),
    (losses.DCL, "dcl", {"temperature": 0.2}),
    (losses.DCLW, "dclw", {"temperature": 0.2, "sigma": 0.3, "detach_weight": False}),
    (losses.DebiasedInfoNCE, "debiased_infonce", {"temperature": 0.2, "class_prior": 0.2}),
    (
        losses.HardnessInfoNCE,
        "hardness_infonce",
        {"temperature": 0.2, "class_prior": 0.2, "beta": 0.6},
    ),
    (losses.InfoNCE, "infonce", {"temperature": 0.2, "anchors": 4, "generator": seeded()}),
    (losses.JSD, "jsd", {}),
    (
        losses.MixedInfoNCE,
        "mixed_infonce",
        {"weight": weight, "mixed": 3, "temperature": 0.2, "generator": seeded()},
    ),
    (losses.SummaryJSD, "summary_jsd", {}),
    (losses.SupervisedContrast, "supervised_contrast", {"temperature": 0.2}),
    (losses.TeamUp, "team_up", {"temperature": 0.2, "anchors": 4, "generator": seeded()}),
    (losses.TripletMargin, "triplet_margin", {"margin": 0.3}),
    (
        losses.VICReg,
        "vicreg",
        {"invariance": 2.0, "variance": 3.0, "covariance": 4.0, "eps": 0.1},
    ),
    (losses.WeightedInfoNCE, "weighted_infonce", {"weight": weight, "temperature": 0.2}),
]
# What their ``repr`` shows of these settings.
SHOWN = {
    "BarlowTwins": "weight=0.3",
    "CCASSG": "weight=0.02",
    "ClipInfoNCE": "temperature=0.2",
    "DCL": "temperature=0.2",
    "DCLW": "temperature=0.2, sigma=0.3",
    "DebiasedInfoNCE": "temperature=0.2, class_prior=0.2",
    "HardnessInfoNCE": "temperature=0.2, class_prior=0.2, beta=0.6",
    "InfoNCE": "temperature=0.2, anchors=4, 'bfloat16'",
    "MixedInfoNCE": "mixed=3, temperature=0.2",
    "SupervisedContrast": "temperature=0.2",
    "TeamUp": "temperature=0.2, anchors=4, 'bfloat16'",
    "TripletMargin": "margin=0.3",
    "VICReg": "invariance=2.0, variance=3.0, covariance=4.0",
    "WeightedInfoNCE": "temperature=0.2",
}
OPTIONS = {
    "precision": "bfloat16",
    "backend": "reference",
    "memory_budget": 1e9,
    "block_rows": 3,
}
INPUTS = {
    "strength": STRENGTH,
    "gamma": 0.7,
    "positives": PAIRS,
    "labels": LABELS,
    "membership": LABELS,
    "corrupted": torch.full((N, 5), 2.0),
}


def test_no_module_is_forgotten():
    classes = {name for name in losses.__all__ if not name.islower()}
    assert classes == {module.__name__ for module, _, _ in MODULES}


@pytest.mark.parametrize(("module", "function", "settings"), MODULES)
def test_a_module_hands_everything_to_its_function(monkeypatch, module, function, settings):
    names = dict(inspect.signature(module.__init__).parameters)
    options = OPTIONS if names.pop("options", None) else {}
    assert set(names) - {"self", "args", "kwargs"} == set(settings)
    seen = []

    def record(*args, **kwargs):
        seen.extend([*args, *kwargs.items()])
        return torch.zeros(())

    monkeypatch.setattr(sys.modules[f"gclkit.losses.{function}"], function, record)
    parameters = inspect.signature(module.forward).parameters
    rows = torch.ones(N, 5)
    inputs = {name: INPUTS.get(name, rows) for name in parameters if name != "self"}
    loss = module(**settings, **options)
    assert str(loss) == f"{module.__name__}({SHOWN.get(module.__name__, '')})"
    loss(**inputs)
    for name, value in (inputs | settings | options).items():
        assert any(entry is value or _is_pair(entry, name, value) for entry in seen), name


def _is_pair(entry, name, value):
    return isinstance(entry, tuple) and entry[0] == name and entry[1] is value


# Operations whose blocks wait for the backward pass together.
SHARES = {"hardness_infonce": 2, "mixed_infonce": 2, "weighted_infonce": 4}
DRAWN = {
    "infonce": lambda a, b, **o: losses.infonce(a, b, anchors=5, **o),
    "team_up": lambda a, b, **o: losses.team_up(a, b, STRENGTH, gamma=0.7, anchors=5, **o),
}
WITH_OPTIONS = {name: call for name, call in CALLS.items() if name not in LINEAR}
del WITH_OPTIONS["bootstrap_cosine"]


@pytest.mark.parametrize(
    ("name", "call"), [*WITH_OPTIONS.items(), *WITH_POSITIVES.items(), *DRAWN.items()]
)
def test_every_option_reaches_the_operations(monkeypatch, views, name, call):
    operations = ["similarity_logsumexp", "self_logsumexp", "mutual_logsumexp"]
    seen = []
    for operation in [*operations, "similarity_softplus"]:
        original = getattr(sys.modules["gclkit.ops"], operation)

        def record(*args, _original=original, **kwargs):
            seen.append(kwargs)
            return _original(*args, **kwargs)

        for module in [m for key, m in sys.modules.items() if key.startswith("gclkit.losses.")]:
            if hasattr(module, operation):
                monkeypatch.setattr(module, operation, record)
    call(*views(N, dtype=torch.float32), **OPTIONS)
    shares = 2 if (name, call) == ("dcl", WITH_POSITIVES["dcl"]) else SHARES.get(name, 1)
    assert seen
    for options in seen:
        assert {key: options.get(key) for key in OPTIONS} == OPTIONS | {
            "memory_budget": 1e9 / shares
        }


@pytest.mark.parametrize(("name", "call"), WITH_OPTIONS.items())
def test_messages_name_the_loss(views, name, call):
    for option, value in (("precision", "int8"), ("backend", "fast"), ("memory_budget", 10.0)):
        with pytest.raises(ValueError, match=f"^{name}: "):
            call(*views(N), **{option: value})
    if name not in ("jsd", "summary_jsd"):
        with pytest.raises(ValueError) as error:
            call(*views(N), temperature=1e-39)
        assert str(error.value) == (
            f"{name}: 'temperature' must be a positive number with a finite inverse (got 1e-39)"
        )


@pytest.mark.parametrize(("module", "function", "settings"), MODULES)
def test_modules_refuse_options_out_of_range(module, function, settings):
    if "options" not in inspect.signature(module.__init__).parameters:
        pytest.skip("has no options")
    name = module.__name__
    with pytest.raises(ValueError, match=f"^{name}: 'precision' must be one of "):
        module(**settings, precision="int8")
    with pytest.raises(TypeError, match="temprature"):
        module(**settings, temprature=0.3)
    if "anchors" in settings:
        with pytest.raises(ValueError) as error:
            module(anchors=-3)
        assert str(error.value) == f"{name}: 'anchors' must be an integer of at least 1 (got -3)"


LARGE = 600
MANY_PAIRS = torch.stack([torch.arange(2 * LARGE) % LARGE, (torch.arange(2 * LARGE) * 7) % LARGE])
BLOCKED = {
    "clip_infonce": losses.clip_infonce,
    "dcl": losses.dcl,
    "dcl of positives": lambda a, b, **o: losses.dcl(a, b, positives=MANY_PAIRS, **o),
    "dclw": losses.dclw,
    "debiased_infonce": losses.debiased_infonce,
    "hardness_infonce": losses.hardness_infonce,
    "infonce": losses.infonce,
    "infonce of large logits": lambda a, b, **o: losses.infonce(a, b, temperature=0.01, **o),
    "infonce of positives": lambda a, b, **o: losses.infonce(a, b, positives=MANY_PAIRS, **o),
    "jsd": losses.jsd,
    "mixed_infonce": lambda a, b, **o: losses.mixed_infonce(a, b, weight, mixed=50, **o),
    "supervised_contrast": lambda a, b, **o: losses.supervised_contrast(
        torch.cat([a, b]), labels=torch.arange(2 * LARGE) % 4, **o
    ),
    "team_up": lambda a, b, **o: losses.team_up(a, b, torch.linspace(-1, 1, LARGE), gamma=0.7, **o),
    "weighted_infonce": lambda a, b, **o: losses.weighted_infonce(a, b, weight, **o),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_a_budget_holds_for_the_loss_as_a_whole(views, name):
    z1, z2 = views(LARGE, d=16, dtype=torch.float32)
    release_memory()  # What a larger call before has left would be taken whole.
    with PeakBytes() as measured:
        BLOCKED[name](z1, z2, memory_budget=2e6).backward()
    gradients = 2 * LARGE * 16 * 4  # Of the inputs: they are not the loss's.
    assert measured.peak - gradients <= 2e6


@pytest.mark.parametrize("name", BLOCKED)
def test_a_budget_is_refused_by_the_loss_not_by_what_it_is_made_of(views, name):
    z1, z2 = views(LARGE, d=16, dtype=torch.float32)
    for budget in (3e4, 1e5, 2e5, 3e5, 4e5, 5e5, 6e5, 7e5, 8e5, 1e6, 1.2e6, 1.5e6):
        try:
            BLOCKED[name](z1, z2, memory_budget=budget)
        except ValueError as error:
            assert str(error).startswith(f"{name.partition(' ')[0]}: needs about ")


@pytest.mark.parametrize("name", BLOCKED)
def test_without_a_budget_there_is_one_block_at_a_time(views, name):
    z1, z2 = views(LARGE, dtype=torch.float32)
    with LargestTensor() as largest, PeakBytes() as measured:
        BLOCKED[name](z1, z2, block_rows=96).backward()
    block = 96 * LARGE if name == "mixed_infonce" else 96 * 96
    assert largest.numel == block
    assert measured.peak < 4 * (10 * block + 30 * LARGE * 5 + 30 * LARGE)
