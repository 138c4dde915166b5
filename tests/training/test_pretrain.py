import copy
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch_geometric.nn as pyg
from torch import nn

from gclkit.communities import AddCommunities
from gclkit.encoders import GCNEncoder
from gclkit.methods import GRACE, Method, StepOutput
from gclkit.ops import spare_memory
from gclkit.regularizers import ProvableTraining
from gclkit.training import CollapseWarning, TrainingInterrupted, load_checkpoint, pretrain


def test_trains(graph, method):
    before = torch.get_rng_state()
    result = pretrain(method, graph, epochs=60, lr=1e-2, warmup=5, seed=1)
    assert torch.equal(torch.get_rng_state(), before), "the global generator is left as it was"
    assert result.embeddings.shape == (60, 6) and not result.embeddings.requires_grad
    assert [r["epoch"] for r in result.history] == list(range(1, 61))
    losses = [r["loss"] for r in result.history]
    assert sum(losses[-5:]) < sum(losses[:5])
    assert {"epoch", "loss", "contrast", "grad_norm", "seconds"} == set(result.history[0])
    assert torch.equal(result.embeddings, method.embed(method.prepare(graph)))
    assert "history" not in repr(result)


def test_the_seed_decides_bit_for_bit(graph, method):
    runs = [pretrain(method, graph, epochs=8, seed=s).embeddings for s in (5, 5, 6)]
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


def assert_same_state(state, expected):
    assert all(torch.equal(state[name], expected[name]) for name in expected)


class Scaled(GRACE):
    """Holds a parameter itself, and a module that does not know how to be reset."""

    def __init__(self, *, resets):
        super().__init__(9, out_channels=6, projection_channels=5, norm="layer", activation="prelu")
        self.scale = nn.Parameter(torch.full((6,), 0.7))
        self.attention = nn.MultiheadAttention(6, 2)
        self.resets = resets

    def reset_parameters(self):
        super().reset_parameters()
        if self.resets:
            self.scale.data.fill_(0.7)
            self.attention._reset_parameters()

    def contrast(self, h1, h2, batch, epoch):
        h1, h2 = h1 * self.scale, self.attention(h2, h2, h2, need_weights=False)[0]
        return super().contrast(h1, h2, batch, epoch)


def test_parameters_that_are_not_drawn_anew_are_named_and_left(graph):
    method = Scaled(resets=False)
    before = copy.deepcopy(method.state_dict())
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1)
    assert str(error.value) == (
        "pretrain: 'method' must be one whose reset_parameters() draws all trainable parameters "
        "anew (got 'scale, attention.in_proj_weight, attention.in_proj_bias left as before')"
    )
    assert method.scale.tolist() == pytest.approx([0.7] * 6)
    assert_same_state(method.state_dict(), before)
    method.scale.requires_grad_(False)  # What is frozen is not trained, and may stay.
    method.attention.requires_grad_(False)
    assert pretrain(method, graph, epochs=1).embeddings.isfinite().all()


def test_a_reset_that_fails_leaves_the_parameters(graph, method, monkeypatch):
    def fail():
        raise RuntimeError("no")

    before = copy.deepcopy(method.state_dict())
    monkeypatch.setattr(method.encoder, "reset_parameters", fail)
    with pytest.raises(RuntimeError, match=r"^no$"):
        pretrain(method, graph, epochs=1)
    assert_same_state(method.state_dict(), before)


def test_a_refused_checkpoint_leaves_the_parameters(graph, method, tmp_path):
    options = {"epochs": 2, "checkpoint": tmp_path / "checkpoint.pt"}
    pretrain(method, graph, seed=1, **options)
    learned = copy.deepcopy(method.state_dict())
    with pytest.raises(ValueError, match="'seed' must be that of a run with seed=1"):
        pretrain(method, graph, seed=2, resume=True, **options)
    assert_same_state(method.state_dict(), learned)


@pytest.mark.parametrize("refused", [1, 2])
def test_a_refusal_before_the_first_step_leaves_the_parameters(graph, tmp_path, refused):
    class Refusing(GRACE):
        def contrast(self, h1, h2, batch, epoch):
            if epoch == refused:
                raise ValueError("no such sizes")
            return super().contrast(h1, h2, batch, epoch)

    method = Refusing(9, out_channels=6, projection_channels=5, norm="batch")
    before = copy.deepcopy(method.state_dict())
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(ValueError, match=r"^no such sizes$"):
        pretrain(method, graph, epochs=3, checkpoint=path, every=1, seed=5)
    if refused == 1:
        assert_same_state(method.state_dict(), before)
        return
    learned = load_checkpoint(path)["model"]
    weights = dict(method.named_parameters())
    assert all(torch.equal(weights[name], learned[name]) for name in weights)
    method.load_state_dict(before)  # A resumed training is refused too before a step of its own.
    with pytest.raises(ValueError, match=r"^no such sizes$"):
        pretrain(method, graph, epochs=3, checkpoint=path, resume=True, seed=5)
    assert_same_state(method.state_dict(), before)


def test_refuses_parameters_without_a_size(graph):
    method = GRACE(9, out_channels=6)
    method.encoder = pyg.GCNConv(-1, 6)
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1)
    assert str(error.value) == (
        "pretrain: 'method' must be one whose parameters have a size: run its encoder once "
        "(got 'encoder.lin.weight without')"
    )


def test_a_method_that_resets_itself_gives_the_same_again(graph):
    method = Scaled(resets=True)
    first, again = (pretrain(method, graph, epochs=3, seed=4).embeddings for _ in range(2))
    assert torch.equal(first, again)


@pytest.mark.parametrize("stop", [1, 3, 5, 8])
def test_resuming_at_any_epoch_changes_nothing(graph, method, tmp_path, stop):
    whole = pretrain(method, graph, epochs=9, seed=2, warmup=4)
    path = tmp_path / "checkpoint.pt"
    pretrain(method, graph, epochs=stop, seed=2, warmup=4, checkpoint=path)
    rest = pretrain(method, graph, epochs=9, seed=2, warmup=4, checkpoint=path, resume=True)
    assert torch.equal(rest.embeddings, whole.embeddings)
    for key in ("epoch", "loss", "grad_norm"):
        assert [r[key] for r in rest.history] == [r[key] for r in whole.history]
    again = pretrain(method, graph, epochs=9, seed=2, warmup=4, checkpoint=path, resume=True)
    assert torch.equal(again.embeddings, whole.embeddings)
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=8, seed=2, warmup=4, checkpoint=path, resume=True)
    assert str(error.value) == (
        "pretrain: 'epochs' must be at least the 9 that the checkpoint has seen (got 8)"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_epoch_and_saves(graph, method, tmp_path, number):
    path = tmp_path / "checkpoint.pt"

    def interrupt(epoch, record, method, data):
        if epoch == 3:
            os.kill(os.getpid(), number)

    options = {"epochs": 6, "seed": 3, "checkpoint": path}
    with pytest.raises(TrainingInterrupted, match=r"^stopped after epoch 3; its state is in "):
        pretrain(method, graph, callbacks=[interrupt], **options)
    resumed = pretrain(method, graph, resume=True, **options)
    whole = pretrain(method, graph, epochs=6, seed=3)
    assert torch.equal(resumed.embeddings, whole.embeddings)


def test_a_deadline_stops_like_a_signal(graph, method, tmp_path):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(TrainingInterrupted, match=r"^stopped after epoch 1"):
        pretrain(method, graph, epochs=5, checkpoint=path, deadline=time.monotonic())
    later = pretrain(method, graph, epochs=5, checkpoint=path, resume=True)
    assert torch.equal(later.embeddings, pretrain(method, graph, epochs=5).embeddings)


def test_a_callback_ends_a_training_with_what_was_trained(graph, method, tmp_path):
    class Enough(Exception):
        pass

    def stop(epoch, record, method, data):
        if epoch == 3:
            raise Enough

    with pytest.raises(Enough):
        pretrain(method, graph, epochs=9, callbacks=[stop])
    stopped = method.embed(method.prepare(graph))
    assert torch.equal(stopped, pretrain(method, graph, epochs=3).embeddings)


def test_a_callback_removes_no_record(graph, method):
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1, callbacks=[lambda e, record, *_: record.pop("loss")])
    assert str(error.value) == (
        "pretrain: 'callbacks' must be functions that remove no record (got ['loss'])"
    )


def test_callbacks_add_to_the_history(graph, method):
    def width(epoch, record, method, data):
        record["width"] = float(method.embed(data).size(1))

    assert pretrain(method, graph, epochs=2, callbacks=[width]).history[1]["width"] == 6.0


def test_numbers_of_any_kind_are_recorded_as_floats(graph, method, tmp_path):
    def record_all(epoch, record, method, data):
        record |= {"numpy": np.float64(0.3), "tensor": torch.tensor(1.5), "whole": 7}

    path = tmp_path / "checkpoint.pt"
    pretrain(method, graph, epochs=1, callbacks=[record_all], checkpoint=path)
    (record,) = load_checkpoint(path)["history"]
    assert (record["numpy"], record["tensor"], record["whole"]) == (0.3, 1.5, 7.0)
    assert all(type(value) is float for value in record.values())


def test_trains_where_gradients_are_switched_off(graph, method):
    expected = pretrain(method, graph, epochs=2).embeddings
    with torch.no_grad():
        assert torch.equal(pretrain(method, graph, epochs=2).embeddings, expected)
        assert not torch.is_grad_enabled()


def test_slopes_stay_where_they_have_a_bound(graph):
    method = GRACE(9, out_channels=6, projection_channels=5, activation="prelu")
    pot = ProvableTraining(
        encoder=method.encoder, edge_index=graph.edge_index, num_nodes=graph.num_nodes, kappa=0.9
    )
    slopes = []

    def watch(epoch, record, method, data):
        slopes.append(min(m.weight.item() for m in method.modules() if isinstance(m, nn.PReLU)))

    pretrain(method, graph, epochs=12, lr=0.1, regularizer=pot, callbacks=[watch])
    assert min(slopes) == 0.0, "no step left the range"


def test_no_bounds_on_a_graph_with_edge_weights(graph):
    method = GRACE(9, out_channels=6, projection_channels=5)
    pot = ProvableTraining(encoder=method.encoder, edge_index=graph.edge_index, num_nodes=60)
    graph.edge_weight = torch.full((graph.num_edges,), 0.5)
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1, regularizer=pot)
    assert str(error.value) == (
        "pretrain: 'regularizer' must be left out: bounds are of graphs without edge weights "
        "(got 'ProvableTraining')"
    )


@pytest.mark.parametrize("callbacks", [print, [3]])
def test_callbacks_are_a_list_of_functions(graph, method, callbacks):
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1, callbacks=callbacks)
    sentence = f"pretrain: 'callbacks' must be a list of functions (got {callbacks!r})"
    assert str(error.value) == sentence


@pytest.mark.parametrize("value", ["0.3", [0.3], None, torch.ones(2)])
def test_what_is_no_number_is_not_recorded(graph, method, value):
    def wrong(epoch, record, method, data):
        record["score"] = value

    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1, callbacks=[wrong])
    sentence = "pretrain: 'score' must be a number in the record of an epoch (got "
    assert str(error.value) == f"{sentence}{value!r})"


def test_a_regularizer_gets_the_views_and_changes_the_gradient(graph):
    method = GRACE(9, out_channels=6, projection_channels=5)
    seen = []

    def double(loss, first, second):
        seen.append([t.shape for t in (*first, *second)])
        return 2 * loss + first[2].square().mean()

    plain = pretrain(method, graph, epochs=2, seed=0)
    other = pretrain(method, graph, epochs=2, seed=0, regularizer=double)
    assert seen[0][0] == (60, 9) and seen[0][2] == (60, 6) and seen[0][5] == (60, 6)
    assert other.history[0]["loss"] > plain.history[0]["loss"]
    assert not torch.equal(plain.embeddings, other.embeddings)


def test_warns_when_the_embeddings_collapse(graph):
    method = GRACE(9, out_channels=6, projection_channels=5)
    reset = method.reset_parameters

    def dead():
        reset()
        for parameter in method.encoder.parameters():
            parameter.data.zero_()
        method.encoder.convs[1].bias.data.fill_(-1.0)

    method.reset_parameters = dead
    with pytest.warns(CollapseWarning, match=r"^collapsed by epoch 5: every embedding is 0"):
        pretrain(method, graph, epochs=6, lr=1e-4)


def test_never_overwrites_a_checkpoint_unasked(graph, method, tmp_path):
    path = tmp_path / "checkpoint.pt"
    pretrain(method, graph, epochs=1, checkpoint=path)
    content = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"exists; pass resume=True to go on from it$"):
        pretrain(method, graph, epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=r"^pretrain: 'seed' must be that of a run with seed=0"):
        pretrain(method, graph, epochs=2, seed=1, checkpoint=path, resume=True)
    graph.x = graph.x + 1
    with pytest.raises(ValueError, match=r"^pretrain: 'data' must be that of a run with data="):
        pretrain(method, graph, epochs=2, checkpoint=path, resume=True)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"temperature": 0.01}, "'method.temperature' must be that of a run with method.tempe"),
        ({"edge_p": (0.2, 0.9)}, "'method.augmentations.1.transforms.0.p' must be that of a run"),
        ({"out_channels": 7}, "'method.encoder.out_channels' must be that of a run with method."),
        ({"activation": "prelu"}, "'method.encoder.activation' must be that of a run with metho"),
        ({"final_activation": False}, "'method.encoder.activations.1' must be that of a run wit"),
    ],
)
def test_refuses_the_checkpoint_of_another_method(graph, tmp_path, settings, sentence):
    path, common = tmp_path / "checkpoint.pt", {"out_channels": 6, "projection_channels": 5}
    pretrain(GRACE(9, **common), graph, epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match=f"^{re.escape('pretrain: ' + sentence)}.*$") as error:
        other = GRACE(9, **{**common, **settings})
        pretrain(other, graph, epochs=2, checkpoint=path, resume=True)
    assert "\n" not in str(error.value)


def test_refuses_the_checkpoint_of_other_communities(graph, method, tmp_path):
    options = {"epochs": 1, "checkpoint": tmp_path / "checkpoint.pt"}
    found, other = AddCommunities()(graph), AddCommunities()(graph)
    other.node_strength = other.node_strength + 1
    pretrain(method, found, **options)
    for wrong in (other, graph):
        with pytest.raises(ValueError, match=r"^pretrain: 'further data' must be that of a run "):
            pretrain(method, wrong, resume=True, **options)
    assert pretrain(method, found, resume=True, **options).history[0]["epoch"] == 1


def test_the_draws_of_a_regularizer_go_on_where_they_stopped(graph, tmp_path):
    method = GRACE(9, out_channels=6, projection_channels=5)

    def train(epochs, **options):
        pot = ProvableTraining(
            encoder=method.encoder, edge_index=graph.edge_index, num_nodes=60, num_anchors=7,
            generator=torch.Generator().manual_seed(3),
        )  # fmt: skip
        return pretrain(method, graph, epochs=epochs, regularizer=pot, **options).embeddings

    path = tmp_path / "checkpoint.pt"
    train(2, checkpoint=path)
    assert torch.equal(train(4, checkpoint=path, resume=True), train(4))


def test_how_a_loss_is_computed_may_change(graph, tmp_path):
    path, common = tmp_path / "checkpoint.pt", {"out_channels": 6, "projection_channels": 5}
    pretrain(GRACE(9, **common), graph, epochs=1, checkpoint=path)
    other = GRACE(9, **common, backend="reference", memory_budget=10**7)
    assert len(pretrain(other, graph, epochs=3, checkpoint=path, resume=True).history) == 3


def test_refuses_the_checkpoint_of_another_regularizer(graph, tmp_path):
    path, method = tmp_path / "checkpoint.pt", GRACE(9, out_channels=6, projection_channels=5)

    def pot(kappa):
        options = {"edge_index": graph.edge_index, "num_nodes": 60, "kappa": kappa}
        return ProvableTraining(encoder=method.encoder, **options)

    options = {"checkpoint": path, "resume": True}
    pretrain(method, graph, epochs=1, regularizer=pot(0.3), checkpoint=path)
    for other, sentence in [
        (
            None,
            "'regularizer' must be that of a run with regularizer='ProvableTraining' (got None)",
        ),
        (
            pot(0.4),
            "'regularizer.kappa' must be that of a run with regularizer.kappa=0.3 (got 0.4)",
        ),
    ]:
        with pytest.raises(ValueError, match=f"^{re.escape('pretrain: ' + sentence)}$"):
            pretrain(method, graph, epochs=2, regularizer=other, **options)
    assert len(pretrain(method, graph, epochs=2, regularizer=pot(0.3), **options).history) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "'epochs' must be an integer of at least 1 (got 0)"),
        ({"lr": -1.0}, "'lr' must be a positive number (got -1.0)"),
        ({"weight_decay": -0.1}, "'weight_decay' must be a number of at least 0 (got -0.1)"),
        ({"warmup": 1.5}, "'warmup' must be an integer of at least 0 (got 1.5)"),
        ({"seed": -1}, "'seed' must be an integer of at least 0 (got -1)"),
        ({"max_grad_norm": 0.0}, "'max_grad_norm' must be a positive number (got 0.0)"),
    ],
)
def test_refusals(graph, method, options, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape('pretrain: ' + sentence)}$"):
        pretrain(method, graph, **{"epochs": 1, **options})


@pytest.mark.parametrize(
    ("thing", "got"),
    [(GRACE, "<class 'gclkit.methods.grace.GRACE'>"), (nn.Linear(9, 6), "'Linear'")],
)
def test_refuses_what_is_no_method(graph, thing, got):
    with pytest.raises(ValueError) as error:
        pretrain(thing, graph, epochs=1)
    sentence = "pretrain: 'method' must be a Method, such as GRACE(in_channels)"
    assert str(error.value) == f"{sentence} (got {got})"


@pytest.mark.parametrize(
    ("regularizer", "rule"),
    [
        (3, "a function (got 3)"),
        (ProvableTraining, "a function (got <class "),
        (lambda *_: None, "a function that returns a scalar with a gradient (got None)"),
        (lambda *_: 0.5, "a function that returns a scalar with a gradient (got 0.5)"),
    ],
)
def test_refuses_what_is_no_regularizer(graph, method, regularizer, rule):
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1, regularizer=regularizer)
    assert str(error.value).startswith(f"pretrain: 'regularizer' must be {rule}")


def test_refuses_a_graph_that_is_not_fit(graph, method):
    graph.x[3, 2] = float("nan")
    with pytest.raises(ValueError, match=r"^CSGCL: 'x' must be finite"):
        pretrain(method, graph, epochs=1)


def test_the_loss_holds_no_memory_after_training(graph):
    method = GRACE(graph.num_features, out_channels=4, projection_channels=4, memory_budget=10**7)
    pretrain(method, graph, epochs=2)
    assert not spare_memory._spare


def test_trainings_in_two_threads_take_turns(graph):
    def make():
        return GRACE(9, out_channels=6, projection_channels=5, activation="rrelu")

    alone = [pretrain(make(), graph, epochs=20, seed=s).embeddings for s in (0, 1)]
    methods, before = [make(), make()], torch.get_rng_state()
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda s: pretrain(methods[s], graph, epochs=20, seed=s), (0, 1))
    assert all(torch.equal(run.embeddings, z) for run, z in zip(runs, alone, strict=True))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_callback_may_train_too(graph, method):
    other = GRACE(9, out_channels=4)

    def train(epoch, record, method, data):
        pretrain(other, graph, epochs=1, seed=7)

    expected = pretrain(method, graph, epochs=2).embeddings
    assert torch.equal(pretrain(method, graph, epochs=2, callbacks=[train]).embeddings, expected)


class Noisy(GRACE):
    def embed(self, data):
        return super().embed(data) + torch.rand(data.num_nodes, 1)


def test_the_seed_decides_the_draws_of_embed_too(graph):
    before = torch.get_rng_state()
    runs = [pretrain(Noisy(9, out_channels=6), graph, epochs=1).embeddings for _ in range(2)]
    torch.set_rng_state(before)
    again = pretrain(Noisy(9, out_channels=6), graph, epochs=1).embeddings
    assert torch.equal(*runs) and torch.equal(runs[0], again)


class Bare(Method):
    """Trains a network that is not its encoder."""

    def __init__(self, encoder=None):
        super().__init__()
        self.net = GCNEncoder(9, 6)
        if encoder is not None:
            self.encoder = encoder

    def step(self, batch, epoch):
        z = self.net(batch.x, batch.edge_index)
        return StepOutput(z.square().mean(), {}, (batch,), (z,))


class Summed(GCNEncoder):
    def forward(self, x, edge_index):
        return super().forward(x, edge_index).sum(dim=0)


@pytest.mark.parametrize(
    ("encoder", "error", "sentence"),
    [
        (
            None,
            ValueError,
            "Bare: 'encoder' must be set, where a method defines no encode(data) "
            "(got 'no such attribute')",
        ),
        (
            nn.Linear(9, 6),
            TypeError,
            "Linear.forward() takes 2 positional arguments but 3 were given",
        ),
        (
            Summed(9, 6),
            ValueError,
            "Bare: 'embed' must be a function that returns a row for each of the 60 nodes "
            "(got (6,))",
        ),
    ],
)
def test_a_method_that_cannot_embed_is_refused_before_the_first_epoch(
    graph, encoder, error, sentence
):
    def never(*args):
        raise AssertionError("an epoch was trained")

    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        pretrain(Bare(encoder), graph, epochs=1, callbacks=[never])


def test_a_method_may_embed_what_its_steps_leave_behind(graph):
    class Last(Bare):
        def step(self, batch, epoch):
            output = super().step(batch, epoch)
            self.last = output.embeddings[0].detach()
            return output

        def embed(self, data):
            return self.last

    assert pretrain(Last(), graph, epochs=1).embeddings.shape == (60, 6)


def test_trains_in_inference_mode_what_was_made_outside(graph, method):
    expected = pretrain(method, graph, epochs=3).embeddings
    with torch.inference_mode():
        inside = graph.clone()
        assert inside.x.is_inference()
        assert torch.equal(pretrain(method, inside, epochs=3).embeddings, expected)
        with pytest.raises(ValueError) as error:
            pretrain(GRACE(9), graph, epochs=1)
    assert str(error.value) == (
        "pretrain: 'method' must be one made outside of torch.inference_mode() (got 'made within')"
    )


class Weighted(nn.Module):
    """A regularizer with a head of its own and an attribute of a common name."""

    generator = "words"

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 1, bias=False)

    def forward(self, loss, *views):
        return loss + self.head(views[0][2]).mean()


def test_a_regularizer_has_no_trainable_parameters_of_its_own(graph, method, tmp_path):
    regularizer = Weighted()
    with pytest.raises(ValueError) as error:
        pretrain(method, graph, epochs=1, regularizer=regularizer)
    assert str(error.value) == (
        "pretrain: 'regularizer' must be one whose parameters are the method's, which alone are "
        "trained, or frozen (got 'head.weight of its own')"
    )
    method.head = regularizer.head
    options = {"epochs": 1, "checkpoint": tmp_path / "checkpoint.pt"}
    assert len(pretrain(method, graph, regularizer=regularizer, **options).history) == 1
    regularizer = Weighted().requires_grad_(False)
    assert len(pretrain(method, graph, epochs=1, regularizer=regularizer).history) == 1
