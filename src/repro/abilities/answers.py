"""Whether models of lower loss answer better, over models that others trained and scored.

Legend: L test loss in nats per token, N parameters, a accuracy averaged over tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from repro.abilities.tables import Scores, scores_of
from repro.corpora.tables.tables import TableId, adopt, load_runs, load_table, table_id
from repro.floor.arrays import Array
from repro.floor.measurement import Numbers, measurement
from repro.statistics import LEVEL, Estimate, clopper_pearson, percentile

WORLDS = ("law", "unrelated", "size", "text")
TEXTS = {"c4_original": "C4", "rpj": "RedPajama", "rw_original": "RefinedWeb"}  # of Gadre et al.
MODEL = ("text", "N", "loss")
DECAYS = (0.3, 6.0)  # per nat: where the decay of answers with loss is looked for
MOVED = 0.3  # of the gain above chance, by ten times the parameters or by another text, in the worlds so named


@dataclass(frozen=True, kw_only=True)
class PlantedAnswers:
    """Models of two texts, and what decides their answers.

    Fields: `world` law (the loss alone), unrelated (nothing), size (the loss, and parameters beside it) or text
    (likewise, the training text); `items` of a task, of which accuracy counts the right ones.

    Raises:
        ValueError: there is no such world.
    """

    world: str
    models: int = 80
    tasks: int = 20
    items: int = 1000

    def __post_init__(self) -> None:
        if self.world not in WORLDS:
            raise ValueError(f"world is {self.world!r}; expected one of {', '.join(WORLDS)}")


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The losses and scores of one set of models: a public table, a reader's own, or a planted one."""

    source: TableId | PlantedAnswers


def named_answers(name: str) -> dict[str, Answers]:
    """Sets of models by the name a figure gives them, the one that judges first.

    Args:
        name: "planted", "public", or a reader's own CSV with the columns text (that a model was trained on), N, loss,
            and a column a task (larger is better).

    Raises:
        ValueError: none of these, or a CSV that lacks a column or holds no task.
    """
    if name == "planted":
        return {f"planted, {world}": Answers(source=PlantedAnswers(world=world)) for world in WORLDS}
    if name == "public":
        tables = {"Gadre et al.": "gadre_104_models", "OLMo ladder": "olmo_ladder_final"}
        return {title: Answers(source=table_id(table)) for title, table in tables.items()}
    if not name.endswith(".csv"):
        raise ValueError(f"models is {name!r}; expected planted, public or the path of a .csv")
    own = pd.read_csv(name)
    if missing := sorted({*MODEL} - set(own.columns)):
        raise ValueError(f"{name} lacks the columns {missing}; expected text, N, loss and a column a task")
    tasks = own.drop(columns=[*MODEL])
    if tasks.empty or len(tasks.select_dtypes("number").columns) < len(tasks.columns):
        raise ValueError(f"{name} has the tasks {list(tasks)}; expected at least one, and numbers alone in each")
    return {Path(name).stem: Answers(source=adopt(Path(name)))}


def answers_of(answers: Answers, seed: int) -> pd.DataFrame:
    """A row a model: text, N, loss, then a column a task; larger scores are better."""
    if isinstance(answers.source, PlantedAnswers):
        return _plant(answers.source, seed)
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


def _plant(planted: PlantedAnswers, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    N = 10 ** generator.uniform(7, 10, planted.models)
    texts = np.arange(planted.models) % 2
    loss = 1.9 + (N / 1e8) ** -0.15 * 10 ** generator.normal(0, 0.1, planted.models)
    gain = np.exp(-1.5 * (loss - 2.0))
    if planted.world == "unrelated":
        gain = generator.permutation(gain)
    gain *= 1 + MOVED * {"size": np.log10(N / 10**8.5), "text": texts}.get(planted.world, np.zeros(1))
    chance = generator.uniform(0.0, 0.5, planted.tasks)
    right = np.clip(chance + generator.uniform(0.2, 0.4, planted.tasks) * gain[:, None], 0, 1)
    scores = pd.DataFrame(generator.binomial(planted.items, right) / planted.items).add_prefix("task ")
    return pd.concat([_models(np.where(texts, "B", "A"), pd.DataFrame({"N": N, "loss": loss})), scores], axis=1)


@measurement(version=1)
def answers_by_loss(config: Answers, seed: int) -> Numbers:
    """Each model's text, parameters, loss and mean score, and for each task how surely it follows the loss.

    `kendall` is Kendall's tau between minus the loss and the score of a task over all models, `p_value` that of no
    rising relation. A model that lacks a score is left out of all means, so that every mean is over the same tasks.
    """
    from scipy import stats

    whole = answers_of(config, seed).dropna()
    tasks = whole.drop(columns=[*MODEL])
    found = [stats.kendalltau(-whole["loss"], tasks[task], alternative="greater") for task in tasks]
    return {
        "text": [str(text) for text in whole["text"]],
        "N": [float(N) for N in whole["N"]],
        "loss": [round(float(loss), 5) for loss in whole["loss"]],
        "score": [round(float(score), 6) for score in tasks.mean(axis=1)],
        "tasks": [str(task) for task in tasks],
        "kendall": [round(float(one.statistic), 4) for one in found],
        "p_value": [float(f"{one.pvalue:.4g}") for one in found],
    }


def models_table(row: Mapping[Any, Any]) -> pd.DataFrame:
    """A row a model of one record: text, N, loss and score."""
    return pd.DataFrame({name: row[name] for name in (*MODEL, "score")})


def tasks_table(row: Mapping[Any, Any], error: float = 1 - LEVEL) -> pd.DataFrame:
    """A row a task of one record: kendall, p_value, and whether it follows the loss by Holm's procedure over all."""
    from statsmodels.stats.multitest import multipletests

    table = pd.DataFrame({name: row[name] for name in ("tasks", "kendall", "p_value")})
    return table.assign(follows=multipletests(table["p_value"], alpha=error, method="holm")[0])


def following(row: Mapping[Any, Any]) -> Estimate:
    """The share of tasks that follow the loss, as if they were drawn from the tasks one might ask of."""
    follows = tasks_table(row)["follows"]
    return clopper_pearson(int(follows.sum()), len(follows))


def concordance(models: pd.DataFrame, *, within: float = np.inf, resamples: int = 2000, seed: int = 0) -> Estimate:
    """How often, of two models of one text, that of lower loss has the better score; half for equal scores.

    Args:
        within: only pairs whose losses differ by at most this, in nats per token.

    Raises:
        ValueError: no two models of one text have losses so close.
    """
    loss, score, text = (models[name].to_numpy() for name in ("loss", "score", "text"))
    ahead = loss[None, :] - loss[:, None]  # (n, n) how much lower the row's loss is
    pairs = ((ahead > 0) & (ahead <= within) & (text[:, None] == text[None, :])).astype(float)
    if not pairs.any():
        raise ValueError(f"no two models of one text whose losses differ by at most {within} nats")
    better = np.sign(score[:, None] - score[None, :]) / 2 + 0.5
    n = len(models)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples).astype(float)
    weighed = np.concatenate([np.ones((1, n)), weights])
    right = np.einsum("ri,ij,rj->r", weighed, pairs * better, weighed, optimize=True)
    share, *draws = (right / np.einsum("ri,ij,rj->r", weighed, pairs, weighed, optimize=True)).tolist()
    return percentile(draws, share, n=n, method=f"percentile bootstrap over models, {resamples} resamples")


def equal_loss_effects(models: pd.DataFrame, *, resamples: int = 1000, seed: int = 0) -> dict[str, Estimate]:
    """What moves the answers at equal loss, as a part of the gain above chance.

    a = chance + exp(-g L) (k + sum over texts of k_text + s log10 N) is fitted by least squares, and refitted to
    resampled models. "ten times the parameters" is s / k at the mean of log10 N, every other text than the
    alphabet's first k_text / k.

    Source: Gadre et al. 2024 (arXiv:2403.08540), eq. 5, whose law has neither texts nor parameters beside the loss.
    """
    first, *others = sorted(models["text"].unique())
    size = np.log10(models["N"]) - np.log10(models["N"]).mean()
    moved = np.column_stack([size, *(models["text"] == other for other in others)]).astype(float)
    loss, score = models["loss"].to_numpy(), models["score"].to_numpy()
    generator = np.random.default_rng(seed)
    drawn = [generator.integers(len(models), size=len(models)) for _ in range(resamples)]
    value = _moved(loss, score, moved)
    draws = np.array([_moved(loss[rows], score[rows], moved[rows]) for rows in drawn])
    names = ["ten times the parameters", *(f"{other} instead of {first}" for other in others)]
    method = f"percentile bootstrap over models, {resamples} resamples"
    return {
        name: percentile(draws[:, place].tolist(), value[place], n=len(models), method=method)
        for place, name in enumerate(names)
    }


def _moved(loss: Array, score: Array, moved: Array) -> Array:
    """(columns of `moved`,) each column's coefficient over k, at the decay g of least squared error."""
    from scipy import optimize

    def fit(decay: float) -> tuple[Array, float]:
        fallen = np.exp(-decay * (loss - loss.min()))
        basis = np.column_stack([np.ones_like(loss), fallen, fallen[:, None] * moved])
        found = np.linalg.lstsq(basis, score)[0]
        return found, float(np.square(basis @ found - score).sum())

    best = optimize.minimize_scalar(lambda decay: fit(decay)[1], bounds=DECAYS, method="bounded")
    coefficients, _ = fit(best.x)
    moves: Array = coefficients[2:] / coefficients[1]
    return moves
