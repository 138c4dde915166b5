import signal
import weakref

import pytest
import torch

from gclkit.methods import GRACE, StepOutput
from gclkit.training import TrainingDiverged, TrainingInterrupted, load_checkpoint, pretrain
from gclkit.training.loop import TrainingLoop
from gclkit.training.training_settings import TrainingSettings

SETTINGS = TrainingSettings(lr=0.08, weight_decay=0.0, warmup=4)


@pytest.fixture
def loop(graph):
    torch.manual_seed(0)
    method, generator = GRACE(9, out_channels=6), torch.Generator().manual_seed(0)
    return TrainingLoop(method, method.prepare(graph, generator), generator, SETTINGS)


def test_warms_up_linearly(loop):
    steps = []
    for _ in range(6):
        loop.advance(None)
        steps.append(loop.optimizer.param_groups[0]["lr"])
    assert steps == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.08, 0.08])


def test_an_epoch_holds_nothing_of_the_one_before(graph):
    alive, made = [], []

    class Watched(GRACE):
        def step(self, batch, epoch):
            alive.append(sum(z() is not None for z in made))
            output = super().step(batch, epoch)
            made.extend(weakref.ref(z) for z in output.embeddings)
            return output

    pretrain(Watched(9, out_channels=6), graph, epochs=3)
    assert len(made) == 6 and alive == [0, 0, 0]


def test_a_step_is_adam_on_the_loss(loop):
    expected = GRACE(9, out_channels=6)
    expected.load_state_dict(loop.method.state_dict())
    data = expected.prepare(loop.data, torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(expected.parameters(), lr=0.02)
    loss = expected.step(data, 1).loss
    loss.backward()
    norm = torch.stack([p.grad.square().sum() for p in expected.parameters()]).sum().sqrt()
    optimizer.step()
    loop.method.prepare(loop.data, torch.Generator().manual_seed(0))
    record, _ = loop.advance(None)
    assert record["loss"] == pytest.approx(loss.item(), rel=1e-6)
    assert record["grad_norm"] == pytest.approx(norm.item(), rel=1e-5)
    for mine, theirs in zip(loop.method.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_state_and_restore_are_inverse(loop):
    loop.advance(None)
    state = {k: v for k, v in loop.state().items()}
    weights = {k: v.clone() for k, v in loop.method.state_dict().items()}
    for parameter in loop.method.parameters():
        parameter.data.add_(1.0)
    state["model"] = weights
    loop.restore(state)
    assert all(torch.equal(v, weights[k]) for k, v in loop.method.state_dict().items())
    state["settings"] = {**SETTINGS.kept_on_resume(), "warmup": 7}
    with pytest.raises(
        ValueError, match=r"^pretrain: 'warmup' must be that of a run with warmup=7"
    ):
        loop.restore(state)


def test_refuses_a_checkpoint_of_something_else(loop):
    with pytest.raises(ValueError) as error:
        loop.restore({"version": 1, "epoch": 3})
    sentence = "pretrain: 'checkpoint' must be one that pretrain wrote (got ['epoch', 'version'])"
    assert str(error.value) == sentence
    state = loop.state()
    state["model"] = {**state["model"], "encoder.convs.0.bias": torch.ones(3)}
    with pytest.raises(ValueError) as error:
        loop.restore(state)
    assert str(error.value).startswith("pretrain: 'checkpoint' must be that of a run of the same p")
    assert "size mismatch for encoder.convs.0.bias" in str(error.value)
    assert "\n" not in str(error.value)


class Wrong(GRACE):
    """Returns what a test puts in the place of its output."""

    def step(self, batch, epoch):
        return self.replace(super().step(batch, epoch))


@pytest.mark.parametrize(
    ("replace", "sentence"),
    [
        (
            lambda out: out.loss,
            "'step' must be a function that returns a StepOutput (got 'Tensor')",
        ),
        (lambda out: None, "'step' must be a function that returns a StepOutput (got 'NoneType')"),
        (lambda out: out._replace(loss=0.3), "'loss' must be a scalar with a gradient (got 0.3)"),
        (
            lambda out: out._replace(loss=torch.tensor(0.5)),
            "'loss' must be a scalar with a gradient (got tensor(0.5000))",
        ),
        (
            lambda out: out._replace(terms={"loss": out.loss.detach()}),
            "'terms' must be named otherwise than ['epoch', 'grad_norm', 'loss', 'seconds'] "
            "(got ['loss'])",
        ),
        (
            lambda out: out._replace(terms=None),
            "'terms' must be a dict of numbers (got 'NoneType')",
        ),
        (
            lambda out: out._replace(views=out.views[0]),
            "'views' must be a tuple of one graph or more (got 'Data')",
        ),
        (
            lambda out: out._replace(views=(), embeddings=()),
            "'views' must be a tuple of one graph or more (got 'tuple')",
        ),
        (
            lambda out: out._replace(embeddings=out.embeddings[0]),
            "'embeddings' must be a tuple of one matrix for each of the 2 views (got 'Tensor')",
        ),
        (
            lambda out: out._replace(embeddings=out.embeddings[:1]),
            "'embeddings' must be a tuple of one matrix for each of the 2 views (got 'tuple')",
        ),
        (
            lambda out: out._replace(terms={"a": None}),
            "'a' must be a number, as every term of a loss (got None)",
        ),
        (
            lambda out: out._replace(terms={"a": "b"}),
            "'a' must be a number, as every term of a loss (got 'b')",
        ),
        (
            lambda out: out._replace(terms={"a": torch.ones(2)}),
            "'a' must be a number, as every term of a loss (got tensor([1., 1.]))",
        ),
    ],
)
def test_a_step_returns_what_the_loop_expects(graph, replace, sentence):
    method = Wrong(9, out_channels=6, projection_channels=5)
    method.replace = replace
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1)
    assert str(error.value) == f"Wrong: {sentence}"


def test_a_term_may_be_a_plain_number(graph):
    method = Wrong(9, out_channels=6, projection_channels=5)
    method.replace = lambda out: out._replace(terms={"weight": 0.25, "count": 3})
    (record,) = pretrain(method, graph, epochs=1).history
    assert (record["weight"], record["count"]) == (0.25, 3.0)


def test_prepare_returns_a_graph(graph):
    method = GRACE(9, out_channels=6, projection_channels=5)
    method.prepare = lambda data, generator: None
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1)
    assert str(error.value) == (
        "GRACE: 'prepare' must be a function that returns the graph to train on (got 'NoneType')"
    )


def test_gradient_clipping(graph, method):
    free = pretrain(method, graph, epochs=3, seed=0)
    clipped = pretrain(method, graph, epochs=3, seed=0, max_grad_norm=1e-6, weight_decay=0.0)
    assert not torch.equal(free.embeddings, clipped.embeddings)


class Diverging(GRACE):
    """Loses finiteness in the epochs given, unless the step has shrunk."""

    bad_epochs = (4,)
    where = "loss"
    calls = 0

    def step(self, batch, epoch):
        out = super().step(batch, epoch)
        type(self).calls += 1
        if epoch in self.bad_epochs:
            factor = torch.tensor(float("nan"))
            if self.where == "gradient":
                w = self.encoder.convs[0].bias.sum()
                return StepOutput(out.loss + (w - w.detach()).abs().sqrt(), *out[1:])
            return StepOutput(out.loss * factor, *out[1:])
        return out


@pytest.mark.parametrize(
    ("where", "named"),
    [("loss", "'loss'"), ("gradient", "the gradient of 'encoder.convs.0.bias'")],
)
def test_stops_when_numbers_are_not_finite(graph, tmp_path, where, named):
    path = tmp_path / "checkpoint.pt"
    method = Diverging(9, out_channels=6, projection_channels=5)
    method.where = where
    with pytest.raises(TrainingDiverged, match=f"^pretrain: {named} is not finite in epoch 4"):
        pretrain(method, graph, epochs=6, checkpoint=path, every=2)
    method.bad_epochs = ()
    assert pretrain(method, graph, epochs=6, checkpoint=path, resume=True).history[3]["epoch"] == 4


def test_retries_go_back_and_halve_the_step(graph):
    method = Diverging(9, out_channels=6, projection_channels=5)

    def heal(epoch, record, method, data):
        if epoch == 3 and method.calls > 4:
            method.bad_epochs = ()

    Diverging.calls = 0
    result = pretrain(method, graph, epochs=6, lr=1e-2, retries=2, every=2, callbacks=[heal])
    assert [r["epoch"] for r in result.history] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(TrainingDiverged):
        method.bad_epochs = (4,)
        pretrain(method, graph, epochs=6, retries=1)


@pytest.mark.parametrize("saves", [True, False])
def test_an_epoch_that_diverges_after_ctrl_c_is_not_run_again(graph, tmp_path, capfd, saves):
    class Pressed(Diverging):
        def step(self, batch, epoch):
            steps.append(epoch)
            if epoch == 4 and self.bad_epochs:
                signal.raise_signal(signal.SIGTERM)
            return super().step(batch, epoch)

    method, steps, path = Pressed(9, out_channels=6, projection_channels=5), [], tmp_path / "c.pt"
    options = {"epochs": 6, "retries": 1, "every": 2, "checkpoint": path if saves else None}
    stopped = f"^stopped after epoch 2{'; its state is in' if saves else '$'}"
    with pytest.raises(TrainingInterrupted, match=stopped):
        pretrain(method, graph, **options)
    assert steps == [1, 2, 3, 4]
    said = "which is saved" if saves else "nothing is saved"
    assert f"stopping after this epoch, {said}" in capfd.readouterr().err
    if saves:
        method.bad_epochs = ()
        pretrain(method, graph, resume=True, **options)
        assert steps[4:] == [3, 4, 5, 6]
        assert load_checkpoint(path)["retried"] == 1


class Fragile(GRACE):
    """Diverges in the first epochs once a weight has moved far from where it began."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.register_buffer("start", torch.zeros_like(self.encoder.convs[0].lin.weight))

    def step(self, batch, epoch):
        out, weight = super().step(batch, epoch), self.encoder.convs[0].lin.weight.detach()
        if epoch == 1:
            self.start.copy_(weight)
        far = epoch <= 9 and float((weight - self.start).abs().max()) > 0.055
        return out._replace(loss=out.loss * float("inf")) if far else out


@pytest.mark.parametrize("stop", [2, 5, 7, 10])
def test_a_resumed_run_goes_back_to_where_the_whole_one_does(graph, tmp_path, stop):
    method = Fragile(9, out_channels=6, projection_channels=5)
    options = {"epochs": 11, "lr": 0.01, "every": 20, "retries": 2}
    tries = []

    def count(epoch, record, method, data):
        tries.append(epoch)
        if epoch == stop and len(tries) == tries.index(stop) + 1:
            signal.raise_signal(signal.SIGTERM)

    path = tmp_path / "checkpoint.pt"
    with pytest.raises(TrainingInterrupted):
        pretrain(method, graph, callbacks=[count], checkpoint=path, **options)
    resumed = pretrain(method, graph, callbacks=[count], checkpoint=path, resume=True, **options)
    assert len(tries) > 11, "no run went back"
    whole = pretrain(method, graph, **options)
    assert torch.equal(resumed.embeddings, whole.embeddings)
    assert [r["loss"] for r in resumed.history] == [r["loss"] for r in whole.history]


def test_embeddings_that_are_no_longer_finite_are_no_bad_input(graph):
    method = GRACE(9, out_channels=6, projection_channels=5)
    for lr in (1e13, 1e30):  # Of the first, the projector alone overflows.
        with pytest.raises(TrainingDiverged, match="an embedding is not finite in epoch 2"):
            pretrain(method, graph, epochs=6, lr=lr)
    tries = []

    def count(epoch, record, method, data):
        tries.append(epoch)

    with pytest.raises(TrainingDiverged):
        pretrain(method, graph, epochs=6, lr=1e30, retries=2, callbacks=[count])
    assert tries == [1, 1, 1], "twice it goes back and tries half the step"


def test_what_a_step_refuses_is_said_as_it_is(graph):
    method = GRACE(9, out_channels=6, projection_channels=5, memory_budget=1)
    with pytest.raises(ValueError, match="use a larger memory_budget"):
        pretrain(method, graph, epochs=2)
