import itertools
import math

import pytest
import torch

from gclkit.training import load_checkpoint, pretrain
from gclkit.training.schedule import scheduled_lr


def rates(schedule, *, epochs=10, warmup=4, lr=0.2):
    options = {"epochs": epochs, "warmup": warmup, "schedule": schedule}
    return [scheduled_lr(lr, epoch, **options) for epoch in range(1, epochs + 1)]


def test_closed_form():
    assert rates("constant") == pytest.approx([0.05, 0.1, 0.15] + [0.2] * 7)
    cosine = rates("cosine")
    assert cosine[:4] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert cosine[4] == pytest.approx(0.1 * (1 + math.cos(math.pi / 7)))
    assert cosine[-1] == pytest.approx(0.1 * (1 + math.cos(6 * math.pi / 7)))


def test_the_cosine_falls_and_never_reaches_zero():
    for warmup in (0, 3, 10, 25):
        found = rates("cosine", warmup=warmup)
        falling = found[warmup:]
        assert all(a > b for a, b in itertools.pairwise(falling))
        assert min(found) > 0


def test_training_follows_it(graph, method, monkeypatch):
    seen, step = [], torch.optim.Adam.step

    def record(self, *args, **kwargs):
        seen.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.Adam, "step", record)
    pretrain(method, graph, epochs=6, lr=0.03, warmup=2, schedule="cosine")
    assert seen == pytest.approx(rates("cosine", epochs=6, warmup=2, lr=0.03))


def test_a_resumed_cosine_is_that_of_one_run(graph, method, tmp_path):
    options = {"epochs": 6, "lr": 0.03, "schedule": "cosine", "every": 1}
    whole = pretrain(method, graph, **options).embeddings

    def stop(epoch, record, method, data):
        if epoch == 3:
            raise KeyboardInterrupt

    path = tmp_path / "checkpoint.pt"
    with pytest.raises(KeyboardInterrupt):
        pretrain(method, graph, checkpoint=path, callbacks=[stop], **options)
    assert load_checkpoint(path)["epoch"] == 2
    again = pretrain(method, graph, checkpoint=path, resume=True, **options).embeddings
    assert torch.equal(again, whole)
    sentence = "pretrain: 'epochs' must be that of a run with epochs=6"
    with pytest.raises(ValueError, match=sentence):
        pretrain(method, graph, checkpoint=path, resume=True, **{**options, "epochs": 9})


def test_a_constant_step_goes_on_for_more_epochs_and_from_older_checkpoints(
    graph, method, tmp_path
):
    path = tmp_path / "checkpoint.pt"
    whole = pretrain(method, graph, epochs=5).embeddings
    pretrain(method, graph, epochs=3, checkpoint=path)
    state = load_checkpoint(path)
    del state["settings"]["schedule"]  # As written before there was a choice.
    torch.save(state, path)
    again = pretrain(method, graph, epochs=5, checkpoint=path, resume=True).embeddings
    assert torch.equal(again, whole)


def test_refuses_another_name(graph, method):
    sentence = r"pretrain: 'schedule' must be one of \['constant', 'cosine'\] \(got 'step'\)"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        pretrain(method, graph, epochs=2, schedule="step")
