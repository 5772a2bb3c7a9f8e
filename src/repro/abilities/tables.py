"""Other people's models: their scores on many tasks, against the compute that made each, or against its loss.

Legend: C floating-point operations of pre-training.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from repro.abilities.configurations import (
    ANSWER_WORLDS,
    FEWEST,
    SCORE_WORLDS,
    Answers,
    PlantedAnswers,
    PlantedScores,
    Scores,
)
from repro.abilities.given.scores import read_scores
from repro.abilities.planted import plant_answers, plant_scores
from repro.corpora.tables.tables import adopt, find_table, load_runs, load_table, table_id
from repro.sizing.operations.flops import FLOP_PER_PARAMETER_TOKEN

NAMED = ("planted", "public")  # what a reader's own file is not
MMLU = "hendrycksTest-"
LADDER = {"accuracy": "", "probability": "_soft", "log-probability": "_soft_log", "bits per byte": "_bpb"}
TEXTS = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}  # of Gadre et al.
MODEL = ("text", "N", "loss")
FEWEST_TOKENS = 1e9  # before, a checkpoint has hardly left its start


def scores_of(scores: Scores, seed: int) -> pd.DataFrame:
    """Scores by rising log10 C (the index), a column per task, larger is better; NaN where a run has no score.

    Raises:
        ValueError: the source has no such metric.
    """
    if isinstance(scores.source, PlantedScores):
        return plant_scores(scores.source, scores.metric, seed)
    table = _READERS.get(scores.source.name, _own)(scores)
    if table.empty:
        raise ValueError(f"{scores.source.name} holds no scores of metric {scores.metric!r}")
    return table.sort_index(kind="stable")


def named_scores(name: str) -> dict[str, list[Scores]]:
    """Groups of scores by the name that a figure gives them, the metric that judges first.

    Args:
        name: "planted" (a world where the metric makes the jump, one without, one with a jump), "public", or a
            reader's own table, as `read_scores` takes it; its first metric judges, and the others are set beside it.

    Raises:
        ValueError: none of these, or a file that holds no scores, with the row, column or metric.
    """
    if name == "planted":
        return {f"planted, {world}": _both(PlantedScores(world=world)) for world in SCORE_WORLDS}
    if name != "public":
        if not Path(name).suffix and not Path(name).exists():
            raise ValueError(f"evals is {name!r}; expected planted, public or the path of a table of scores")
        metrics = read_scores(Path(name), fewest=FEWEST).frame["metric"].unique()
        return {Path(name).name: [Scores(source=adopt(Path(name)), metric=str(metric)) for metric in metrics]}
    ladder, pythia = table_id("olmo_ladder_final"), table_id("pythia_zero_shot_long")
    emergent, cost = table_id("obsscaling_base_llm_emergent_capability_eval"), table_id(COST)
    return {
        "OLMo ladder": [Scores(source=ladder, metric=metric) for metric in LADDER],
        "Pythia, sizes": [Scores(source=pythia, metric=metric) for metric in ("accuracy", "log-likelihood")],
        "Pythia 12B, steps": [
            Scores(source=pythia, metric=metric, along="steps") for metric in ("accuracy", "log-likelihood")
        ],
        "said to be emergent": [
            Scores(source=emergent, metric=metric, compute=cost) for metric in ("accuracy", "BLEU")
        ],
    }


COST = "obsscaling_base_llm_benchmark_eval"


def _both(planted: PlantedScores) -> list[Scores]:
    return [Scores(source=planted, metric=metric) for metric in ("accuracy", "log-likelihood")]


def _ladder(scores: Scores) -> pd.DataFrame:
    """Scores of the ladder, of each task on its test split where it has one, else on its validation split."""
    raw, part = load_table(scores.source), LADDER[scores.metric]  # type: ignore[arg-type]
    columns: dict[str, str] = {}
    for column in raw.columns:
        name = re.fullmatch(rf"eval/downstream{part}/(\w+?)_(val|test)_rc_5shot_\w+", column)
        if name and (name[2] == "test" or name[1] not in columns):
            columns[name[1]] = column
    x = np.log10(raw["throughput/total_training_Gflops"] * 1e9)
    sign = -1 if scores.metric == "bits per byte" else 1
    return pd.DataFrame({task: sign * raw[column].to_numpy() for task, column in sorted(columns.items())}, index=x)


def _pythia(scores: Scores) -> pd.DataFrame:
    """Scores of Pythia; those along steps leave out the subjects of MMLU, on which every size stays at chance."""
    raw = load_table(scores.source)  # type: ignore[arg-type]
    steps = scores.along == "steps"
    if steps:
        raw = raw[(raw["params"] == raw["params"].max()) & (raw["tokens"] >= FEWEST_TOKENS)]
        raw = raw[~raw["task"].str.startswith(MMLU)]
    else:
        raw = raw[raw["step"] == raw["step"].max()]
    raw = raw[raw["metric"] == ("acc" if scores.metric == "accuracy" else "ppl")]
    raw = raw.assign(
        x=np.log10(FLOP_PER_PARAMETER_TOKEN * raw["params"] * raw["tokens"]),
        y=raw["value"] if scores.metric == "accuracy" else -np.log(raw["value"].where(raw["value"] > 0)),
    )
    wide: pd.DataFrame = raw.pivot_table(index=["x", "model"], columns="task", values="y")
    return wide.droplevel("model").rename_axis(columns=None)


def _observed(scores: Scores) -> pd.DataFrame:
    assert scores.compute is not None
    cost = load_table(scores.compute).drop_duplicates("Model").set_index("Model")["FLOPs (1E21)"]
    raw = load_table(scores.source).drop_duplicates("Model").set_index("Model")  # type: ignore[arg-type]
    ends = ("_bleu",) if scores.metric == "BLEU" else ("_acc", "_exact_match")
    raw = raw[[column for column in raw.columns if column.endswith(ends)]]
    wide: pd.DataFrame = raw.set_axis(np.log10(cost.reindex(raw.index) * 1e21), axis="index")
    return wide[wide.index.notna()]


def _own(scores: Scores) -> pd.DataFrame:
    raw = read_scores(find_table(scores.source), fewest=FEWEST).frame  # type: ignore[arg-type]
    raw = raw[raw["metric"] == scores.metric].assign(x=lambda part: np.log10(part["compute"]))
    return raw.pivot(index="x", columns="task", values="score").rename_axis(columns=None)


def about_scores(name: str) -> list[str]:
    """What was done to a reader's own scores before they are judged; nothing of public and planted ones."""
    return [] if name in NAMED else list(read_scores(Path(name), fewest=FEWEST).notes)


_READERS: dict[str, Callable[[Scores], pd.DataFrame]] = {
    "olmo_ladder_final": _ladder,
    "pythia_zero_shot_long": _pythia,
    "obsscaling_base_llm_emergent_capability_eval": _observed,
}


def named_answers(name: str) -> dict[str, Answers]:
    """Sets of models by the name that a figure gives them, the one that judges first.

    Args:
        name: "planted", "public", or a reader's own CSV with a row per model: text (that it was trained on), N, loss,
            and a column for each task (larger is better).

    Raises:
        ValueError: none of these, or a CSV that lacks a column or holds no task.
    """
    if name == "planted":
        return {f"planted, {world}": Answers(source=PlantedAnswers(world=world)) for world in ANSWER_WORLDS}
    if name == "public":
        tables = {"Gadre et al.": "gadre_104_models", "OLMo ladder": "olmo_ladder_final"}
        return {title: Answers(source=table_id(table)) for title, table in tables.items()}
    if not name.endswith(".csv"):
        raise ValueError(f"models is {name!r}; expected planted, public or the path of a .csv")
    own = pd.read_csv(name)
    if missing := sorted({*MODEL} - set(own.columns)):
        raise ValueError(f"{name} lacks the columns {missing}; expected text, N, loss and a column for each task")
    tasks = own.drop(columns=[*MODEL])
    if tasks.empty or len(tasks.select_dtypes("number").columns) < len(tasks.columns):
        raise ValueError(f"{name} has the tasks {list(tasks)}; expected at least one, and numbers alone in each")
    return {Path(name).stem: Answers(source=adopt(Path(name)))}


def answers_of(answers: Answers, seed: int) -> pd.DataFrame:
    """The models, a row per model: text, N, loss, then its score in each task; larger is better."""
    if isinstance(answers.source, PlantedAnswers):
        return plant_answers(answers.source, seed)
    if answers.source.name == "gadre_104_models":
        runs = load_runs(answers.source)
        tasks = runs.filter(regex="^task_").rename(columns=lambda column: column.removeprefix("task_"))
        return pd.concat([_models(runs["dataset_name"].map(TEXTS), runs), tasks], axis=1)
    if answers.source.name == "olmo_ladder_final":
        runs = load_runs(answers.source).sort_values("throughput/total_training_Gflops", kind="stable")
        tasks = scores_of(Scores(source=answers.source, metric="accuracy"), seed)  # in the same order
        return pd.concat([_models("Dolma", runs), tasks.set_axis(runs.index)], axis=1)
    return load_table(answers.source)


def _models(text: object, runs: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"text": text, "N": runs["N"], "loss": runs["loss"]})
