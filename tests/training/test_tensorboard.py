import sys
import threading

import pytest

from gclkit.training import TensorBoardLogger, pretrain


def scalars(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder)).Reload()
    return {name: found.Scalars(name) for name in found.Tags()["scalars"]}


def test_writes_what_the_history_holds(graph, method, tmp_path):
    logger = TensorBoardLogger(tmp_path / "events")
    history = pretrain(method, graph, epochs=3, callbacks=[logger]).history
    logger.close()
    written = scalars(tmp_path / "events")
    assert set(written) == set(history[0]) - {"epoch"} and "loss" in written
    assert [event.step for event in written["loss"]] == [1, 2, 3]
    for event, row in zip(written["loss"], history, strict=True):
        assert event.value == pytest.approx(row["loss"], rel=1e-6)


def test_sees_what_earlier_callbacks_add(graph, method, tmp_path):
    def add(epoch, record, method, data):
        record["val_accuracy"] = 0.25 * epoch

    logger = TensorBoardLogger(tmp_path)
    pretrain(method, graph, epochs=2, callbacks=[add, logger])
    logger.close()
    assert [event.value for event in scalars(tmp_path)["val_accuracy"]] == [0.25, 0.5]


def test_a_resumed_run_goes_on_and_purges_what_was_beyond(graph, tmp_path):
    for epochs in ((1, 2, 3), (3, 4)):
        logger = TensorBoardLogger(tmp_path)
        for epoch in epochs:
            logger(epoch, {"epoch": float(epoch), "loss": epoch + 10.0 * len(epochs)}, None, graph)
        logger.close()
    events = scalars(tmp_path)["loss"]
    assert [(event.step, event.value) for event in events] == [(1, 31), (2, 32), (3, 23), (4, 24)]


def test_nothing_is_made_before_the_first_epoch(tmp_path):
    logger = TensorBoardLogger(tmp_path / "events")
    logger.close()
    assert not (tmp_path / "events").exists()


def test_closing_ends_the_thread_that_writes(tmp_path):
    before = threading.active_count()
    logger = TensorBoardLogger(tmp_path)
    logger(1, {"loss": 2.5}, None, None)
    assert threading.active_count() == before + 1
    logger.close()
    assert threading.active_count() == before


def test_says_what_to_install(graph, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ImportError, match=r"^TensorBoardLogger: needs tensorboard; pip install "):
        TensorBoardLogger(tmp_path)(1, {"loss": 2.5}, None, graph)
