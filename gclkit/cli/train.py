"""Pretrain, evaluate and write a run folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gclkit.cli.choices import ALL_CONTROLS, TASKS

if TYPE_CHECKING:
    from gclkit.training import RunConfig

POT = ("regularizer", "kappa", "pot_mode", "pot_anchors")
# What may stand beside --resume: how, not what.
BESIDE_RESUME = ("resume", "threads", "dry_run", "quiet", "run", "verb")
RUN = ("seeds", "splits", "num_splits", "controls", "evaluate_every", "tensorboard", "device")
MODEL = ("temperature", "anchors", "precision", "backend", "memory_budget")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "train",
        help="pretrain, evaluate, write a run folder",
        description=__doc__,
        epilog="example: gclkit train --method csgcl --dataset digits --seeds 0 1 2",
    )
    parser.add_argument("--method", help="such as csgcl, grace or grace-pot; default: csgcl")
    parser.add_argument("--dataset", help="a name or a file; default: digits")
    parser.add_argument("--root", type=Path, help="folder of the datasets")
    parser.add_argument(
        "--features", type=Path, help="file with your graph's node features (.npy, .npz)"
    )
    parser.add_argument("--labels", type=Path, help="file with your graph's classes (.npy, .csv)")
    parser.add_argument("--seeds", type=int, nargs="+", help="one training each; default: 0 1 2")
    parser.add_argument("--tasks", nargs="+", metavar="TASK",
                        help=f"of {', '.join(TASKS)}, or all; default: classification")  # fmt: skip
    parser.add_argument("--splits", help="random, stratified, public, redrawn (public without its "
                        "test nodes, for choosing) or K-shot; default: public where the "
                        "dataset has one, else random")  # fmt: skip
    parser.add_argument("--num-splits", type=int, help="random splits; default: 5")
    parser.add_argument("--epochs", type=int, help="default: the recipe's")
    parser.add_argument("--lr", type=float, help="learning rate; default: the recipe's")
    parser.add_argument("--weight-decay", type=float, help="default: the recipe's")
    parser.add_argument("--warmup", type=int, metavar="EPOCHS", help="learning-rate warm-up")
    parser.add_argument("--schedule", help="of the learning rate: constant or cosine")
    parser.add_argument("--max-grad-norm", type=float, help="clip gradients to this norm")
    parser.add_argument("--retries", type=int, help="go back and halve the step when not finite")
    parser.add_argument("--temperature", type=float, help="default: the recipe's")
    parser.add_argument("--anchors", type=int, help="anchors drawn per step; default: all nodes")
    parser.add_argument(
        "--precision", help="of products: float32 or bfloat16, where that is faster"
    )
    parser.add_argument("--backend", help="how the loss is computed: auto, blockwise, reference "
                        "or triton; default: auto")  # fmt: skip
    parser.add_argument("--memory-budget", type=int, metavar="BYTES",
                        help="bytes the loss may keep to save recomputation")  # fmt: skip
    parser.add_argument("--set", nargs="+", metavar="KEY=VALUE", dest="settings",
                        help="any other setting of the method, e.g. edge_p=[.3,.4]")  # fmt: skip
    parser.add_argument("--regularizer", choices=["pot"], help="provable training")
    parser.add_argument(
        "--kappa", type=float, help="weight of provable training, 0 to 1; default: 0.4"
    )
    parser.add_argument("--pot-mode",
                        help="published, pairwise or certified; default: pairwise")  # fmt: skip
    parser.add_argument("--pot-anchors", type=int, metavar="NODES",
                        help="nodes that provable training bounds per step; default: all"
                        )  # fmt: skip
    parser.add_argument("--controls", nargs="+", metavar="CONTROL",
                        help=f"of {', '.join(ALL_CONTROLS)}; default: the first four")  # fmt: skip
    parser.add_argument("--tensorboard", action="store_true", default=None,
                        help="log to seed-*/tensorboard")  # fmt: skip
    parser.add_argument("--evaluate-every", type=int, metavar="EPOCHS", help="probe on validation")
    parser.add_argument("--checkpoint-every", type=int, metavar="EPOCHS", help="default: 100")
    parser.add_argument("--device", help="cpu, cuda, …; default: cpu")
    parser.add_argument("--threads", type=int, help="CPU threads; default: PyTorch's choice")
    parser.add_argument("--out", type=Path, help="default: runs/<dataset>-<method>-<time>")
    parser.add_argument("--force", action="store_true", help="replace the run that is in --out")
    parser.add_argument("--resume", type=Path, metavar="RUN", help="go on with a half-written run")
    parser.add_argument("--dry-run", action="store_true",
                        help="print the memory that training takes, without the evaluation "
                        "after it; write nothing")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import time

    from gclkit.cli.check_run import check_run
    from gclkit.cli.experiment import fit_to_graph, run_experiment
    from gclkit.cli.run_graph import load_graph
    from gclkit.cli.summary import print_summary
    from gclkit.reports import RunFolder
    from gclkit.training import read_config

    if args.threads is not None:
        import torch

        from gclkit.checks import check_count

        torch.set_num_threads(check_count("train", "threads", args.threads))
    if args.resume is not None:
        path = args.resume
        folder = RunFolder(path, resume=True)
        config = read_config(folder.config_path)
        _check_alone(args)
    else:
        config = _config(args)
        name = f"{Path(config.dataset).stem}-{config.method}-{time.strftime('%Y%m%d-%H%M%S')}"
        path = args.out or Path("runs") / name
        folder = RunFolder(path, force=args.force)
    if args.dry_run:
        data = load_graph(config, log=print)
        check_run(fit_to_graph(config, data, print), data, log=print, estimate=True)
        return 0
    try:
        with folder:
            report = run_experiment(config, folder, log=print, progress=not args.quiet)
    except KeyboardInterrupt as stop:
        print(f"gclkit: {str(stop) or 'interrupted'}")
        if folder.can_resume:
            print(f"resume with: gclkit train --resume {path}")
        return 130
    print_summary(report)
    print(f"report: {path / 'report.html'}")
    return 0


def _check_alone(args: argparse.Namespace) -> None:
    """Raises a ``ValueError`` for settings beside a run that has its own."""
    from gclkit.checks import reject

    given = [key for key, value in vars(args).items() if value is not None and value is not False]
    other = [key for key in given if key not in BESIDE_RESUME]
    if other:
        reject("train", "resume", "without settings, which the run keeps", ", ".join(other))


def _config(args: argparse.Namespace) -> RunConfig:
    import dataclasses

    from gclkit.checks import check_choice, check_count, check_seed, reject
    from gclkit.training import list_methods, resolve_config
    from gclkit.training.config import method_class, model_options
    from gclkit.training.training_settings import TrainingSettings

    method = args.method or "csgcl"
    tasks = list(TASKS) if args.tasks == ["all"] else args.tasks
    check_choice("train", "method", method.lower().partition("-")[0], list_methods())
    for task in tasks or ():
        check_choice("train", "tasks", task, TASKS)
    for control in args.controls or ():
        check_choice("train", "controls", control, ALL_CONTROLS)
    for seed in args.seeds or ():
        check_seed("train", "seeds", seed)
    if len(set(args.seeds or ())) < len(args.seeds or ()):
        reject("train", "seeds", "different numbers", args.seeds)
    for key in ("num_splits", "checkpoint_every", "evaluate_every", "pot_anchors"):
        if getattr(args, key) is not None:
            check_count("train", key.replace("_", "-"), getattr(args, key))
    settings = _settings(args.settings or [])
    for key in settings:
        check_choice("train", "set", key, model_options(method_class(method.partition("-")[0])))
    training = [setting.name for setting in dataclasses.fields(TrainingSettings)]
    config = resolve_config(
        method,
        args.dataset or "digits",
        model=_given(args, MODEL) | settings,
        training=_given(args, training),
    )
    run = _given(args, RUN) | {
        key: str(path) for key, path in _given(args, ("root", "features", "labels")).items()
    }
    if tasks is not None:
        run["tasks"] = tasks
    if args.checkpoint_every is not None:
        run["every"] = args.checkpoint_every
    pot = _given(args, POT)
    chosen = dataclasses.replace(config.run, **run, **pot)
    if pot and chosen.regularizer is None:
        key, value = next(iter(pot.items()))
        reject("train", key.replace("_", "-"), "left out without a regularizer", value)
    return dataclasses.replace(config, run=chosen)


def _given(args: argparse.Namespace, keys: Sequence[str]) -> dict[str, Any]:
    """Those of the options that the command line holds."""
    return {key: getattr(args, key) for key in keys if getattr(args, key) is not None}


def _settings(pairs: list[str]) -> dict[str, Any]:
    import yaml

    from gclkit.checks import reject
    from gclkit.training.config import as_numbers

    settings = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            equals = ""
        if not equals or not key:
            reject("train", "set", "KEY=VALUE with a YAML value", pair)
        settings[key] = as_numbers(value)
    return settings
