"""Run recipes over seeds and put the figures beside the published ones."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gclkit.cli.choices import ALL_CONTROLS, TASKS

if TYPE_CHECKING:
    from gclkit.training import RunConfig


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the verb to the parser."""
    parser = commands.add_parser(
        "reproduce",
        help="a recipe over several seeds, beside the published figure",
        description=__doc__ + " Safe to interrupt: the same command continues. "
        "What a finished run has is printed again.",
        epilog="example: gclkit reproduce photo/csgcl --seeds 0 1 2",
    )
    parser.add_argument("recipes", nargs="*", metavar="DATASET/METHOD", help="run in this order")
    parser.add_argument("--list", action="store_true", dest="listing", help="list the recipes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4],
                        help="one training each; default: 0 1 2 3 4")  # fmt: skip
    parser.add_argument("--root", type=Path, help="folder of the datasets")
    parser.add_argument("--out", type=Path, default=Path("runs/reproduce"),
                        help="default: runs/reproduce")  # fmt: skip
    parser.add_argument("--num-splits", type=int, default=5, help="random splits; default: 5")
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=["classification", "clustering"],
        metavar="TASK",
        help=f"of {', '.join(TASKS)}; default: the first two",
    )
    parser.add_argument(
        "--controls",
        nargs="+",
        default=["raw_features", "untrained_encoder"],
        metavar="CONTROL",
        help=f"of {', '.join(ALL_CONTROLS)}; default: raw_features untrained_encoder",
    )
    parser.add_argument(
        "--table",
        type=Path,
        metavar="FOLDER",
        help="print the table of the runs in a folder, and run nothing",
    )
    parser.add_argument("--minutes", type=float, help="stop after so long; run again to go on")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Runs the verb."""
    import time

    from gclkit.checks import check_choice, check_count, check_positive, check_seed, reject
    from gclkit.cli.summary import print_summary
    from gclkit.reports import read_runs, results_table
    from gclkit.training import list_recipes

    if args.listing:
        _print_recipes()
        return 0
    if args.table is not None:
        print(results_table(read_runs(args.table)))
        return 0
    if not args.recipes:
        reject("reproduce", "recipes", "one DATASET/METHOD or more, or use --list", "none")
    for task in args.tasks:
        check_choice("reproduce", "tasks", task, TASKS)
    for control in args.controls:
        check_choice("reproduce", "controls", control, ALL_CONTROLS)
    known = [f"{dataset}/{method}" for dataset, method in list_recipes()]
    recipes = [name.lower() for name in args.recipes]
    for name in recipes:
        check_choice("reproduce", "recipes", name, known)
    for seed in args.seeds:
        check_seed("reproduce", "seeds", seed)
    check_count("reproduce", "num-splits", args.num_splits)
    deadline = None
    if args.minutes is not None:
        deadline = time.monotonic() + 60 * check_positive("reproduce", "minutes", args.minutes)
    for name in recipes:
        try:
            report = _reproduce(name, args, deadline)
        except KeyboardInterrupt as stop:
            print(f"gclkit: {str(stop) or 'interrupted'}\nthe same command continues")
            return 130
        if "classification" in report["results"]:
            _print_comparison(name, report)
        else:  # No figure to stand beside.
            print_summary(report)
    return 0


def _reproduce(name: str, args: argparse.Namespace, deadline: float | None) -> dict[str, Any]:
    """The report of a recipe, from a run that is there and complete or from one that is run now."""
    from gclkit.checks import reject
    from gclkit.cli.experiment import run_experiment
    from gclkit.reports import RunFolder, read_report
    from gclkit.training import read_config

    config = _config(name, args)
    path = args.out / name.replace("/", "-")
    stored = read_config(path / "config.yaml") if (path / "config.yaml").exists() else None
    if stored is not None and _essence(stored) != _essence(config):
        rule = "that of the run that is there; choose another --out"
        reject("reproduce", "recipe", rule, str(path))
    folder = RunFolder(path, resume=stored is not None)
    if stored is not None and folder.is_complete() and _asks_the_same(config, stored):
        return read_report(path)
    with folder:
        return run_experiment(config, folder, log=print, progress=not args.quiet, deadline=deadline)


def _config(name: str, args: argparse.Namespace) -> RunConfig:
    import dataclasses

    from gclkit.training import resolve_config

    dataset, method = name.split("/")
    config = resolve_config(method, dataset)
    run = dataclasses.replace(
        config.run,
        seeds=args.seeds,
        tasks=args.tasks,
        controls=args.controls,
        papers_probe=True,
        num_splits=args.num_splits,
        every=50,
        root=None if args.root is None else str(args.root),
    )
    return dataclasses.replace(config, run=run)


def _essence(config: RunConfig) -> tuple[Any, ...]:
    """What makes two runs the same; further seeds may be added to a run."""
    from gclkit.training.training_settings import TrainingSettings

    run, training = config.run, TrainingSettings(**config.training)
    regularizer = (run.regularizer, run.kappa, run.pot_mode, run.pot_anchors)
    return (config.method, config.dataset, config.model, training, regularizer)


def _asks_the_same(config: RunConfig, stored: RunConfig) -> bool:
    """Whether a run of the same essence has nothing to train or to score for a configuration."""
    from dataclasses import replace

    run = config.run
    if run.splits == "auto":  # A stored one names the splits that this has come to.
        run = replace(run, splits=stored.run.splits)
    return run == stored.run and config.published == stored.published


def _print_recipes() -> None:
    from gclkit.training import list_recipes, resolve_config
    from gclkit.training.config import is_measured

    print(f"{'recipe':<24} {'source':<8} {'epochs':>6}  {'measured':<8}  published")
    for dataset, method in list_recipes():
        config = resolve_config(method, dataset)
        figures = ", ".join(
            f"{score} {100 * value[0]:.2f}" for score, value in config.published.items()
        )
        name = f"{dataset}/{method}"
        measured = "yes" if is_measured(dataset, method) else "not run"
        print(
            f"{name:<24} {config.source:<8} {config.training['epochs']:>6}  {measured:<8}  "
            f"{figures or '-'}"
        )


def _print_comparison(name: str, report: dict[str, Any]) -> None:
    """One line per published score and probe: ours, and the one of the papers."""
    scores = report["results"]["classification"]
    _print_lines(name, scores, report["config"]["published"])
    if "papers_probe" in scores:
        label = f"{name}, the papers' probe"
        _print_lines(label, scores["papers_probe"], report["config"]["published"])


def _print_lines(label: str, scores: dict[str, Any], published: dict[str, list[float]]) -> None:
    from gclkit.reports.tables import percent

    for score in published or ("accuracy",):
        ours = scores[score]
        line = f"{label}: {score} {percent(ours)} (n={ours['n']}, {scores['split']})"
        if score in published:
            figure, *deviation = published[score]
            difference = ours["mean"] - figure
            line += f", published {100 * figure:.2f}, difference {100 * difference:+.2f}"
            spread = deviation[0] if deviation else ours["std"]
            if spread:
                line += f" = {difference / spread:+.1f} deviations"
        print(line)
