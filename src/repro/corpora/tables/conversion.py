"""From an origin's files to the CSV of the manifest: JSON lines, joined JSON, pickles through a restricted reader.

Every converter takes the origin's files by path and gives the bytes of one CSV: rows in the order of the sorted paths,
numbers in Python's shortest spelling that reads back the same, lines ended by a line feed.
"""

from __future__ import annotations

import io
import json
import lzma
import pickle
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

Files = Mapping[str, bytes]
# The only names a pickle may call: what rebuilds arrays and frames of plain values. Whole packages would be too much,
# for numpy and pandas both hold functions that evaluate text.
_REBUILD = {
    "__builtin__": {"slice"},
    "builtins": {"slice"},
    "_codecs": {"encode"},
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "pandas": {"DataFrame", "Index", "RangeIndex", "Series"},
    "pandas._libs.internals": {"_unpickle_block"},
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.indexes.base": {"Index", "_new_Index"},
    "pandas.core.indexes.numeric": {"Float64Index", "Int64Index"},
    "pandas.core.indexes.range": {"RangeIndex"},
    "pandas.core.internals.managers": {"BlockManager", "SingleBlockManager"},
    "pandas.core.series": {"Series"},
}
# numpy 2 and pandas 2 moved or dropped these; older pickles still name them.
_MOVED = {"numpy.core.multiarray": "numpy._core.multiarray", "numpy.core.numeric": "numpy._core.numeric"}
_PORIAN_KEYS = ("dataset", "hparams", "warmup", "decay", "param_count", "val")
_PORIAN_PAIRS = ("flops", "n", "t", "multiplier", "loss", "n_star_std", "t_star_std", "loss_star_std")
_PORIAN_ORDER = ("summary_df", "summary_df_owt2", "summary_df_att", "summary_df_kaplan_tuned_hparams")
# Parameters with and without embeddings: Biderman et al. 2023 (arXiv:2304.01373), table 1.
_PYTHIA_SIZES = {
    "70m": (70_426_624, 18_915_328),
    "160m": (162_322_944, 85_056_000),
    "410m": (405_334_016, 302_311_424),
    "1b": (1_011_781_632, 805_736_448),
    "1.4b": (1_414_647_808, 1_208_602_624),
    "2.8b": (2_775_208_960, 2_517_652_480),
    "6.9b": (6_857_302_016, 6_444_163_072),
    "12b": (11_846_072_320, 11_327_027_200),
}
_PYTHIA_TOKENS_PER_STEP = 2_097_152
_PYTHIA_METRICS = ("acc", "acc_norm", "ppl")


class PickleRefused(pickle.UnpicklingError):
    """A pickle asks for a name outside arrays and frames."""


class _Rebuilder(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if name not in _REBUILD.get(module, set()):
            raise PickleRefused(
                f"the pickle asks for {module}.{name}; only numpy arrays and pandas frames of plain values are read, "
                "because any other name could run a stranger's code. Nothing was run"
            )
        if module == "pandas.core.indexes.numeric":
            return pd.Index
        return super().find_class(_MOVED.get(module, module), name)


def read_pickle(content: bytes) -> Any:
    """The arrays and frames of a pickle, which may be xz-compressed.

    Raises:
        PickleRefused: the pickle names anything but what rebuilds arrays and frames; nothing of it has run.
    """
    plain = lzma.decompress(content) if content.startswith(b"\xfd7zXZ\x00") else content
    return _Rebuilder(io.BytesIO(plain)).load()


def convert(kind: str, files: Files) -> bytes:
    """The CSV that the origin's files give; kind "" is one file, copied byte for byte.

    Raises:
        KeyError: no converter has that name.
        ValueError: one file was expected and several were given.
    """
    if kind:
        return _CONVERTERS[kind](files)
    (content,) = files.values()
    return content


def _json_lines(files: Files) -> bytes:
    (content,) = files.values()
    return _csv(pd.read_json(io.BytesIO(content), lines=True))


def _gadre(files: Files) -> bytes:
    models = [path for path in sorted(files) if "/models/" in path]
    return _csv(pd.DataFrame([_gadre_row(files, path) for path in models]))


def _gadre_row(files: Files, path: str) -> dict[str, Any]:
    model = json.loads(files[path])
    settings = model["hyperparameters"]
    scores = json.loads(files[f"exp_data/evals/evaluation_{model['name']}_heavy.json"])["eval_metrics"]["icl"]
    fields = ("params", "params_no_embed", "tokens", "chinchilla_multiplier", "lr", "warmup", "wd", "cd", "global_bs")
    return {
        "name": model["name"],
        "dataset_name": model["dataset_name"],
        **{field: settings[field] for field in fields},
        **{f"loss_{_validation_set(result['val_data'][0])}": result["loss"] for result in model["results"]},
        **{f"task_{task}": score for task, score in scores.items()},
    }


def _validation_set(path: str) -> str:
    """The set's name: the folder that holds its shards."""
    return PurePosixPath(path).parent.name


def _pythia(files: Files) -> bytes:
    return _csv(pd.DataFrame([row for path in sorted(files) for row in _pythia_rows(path, files[path])]))


def _pythia_rows(path: str, content: bytes) -> list[dict[str, Any]]:
    model = PurePosixPath(path).parts[-3]
    size = model.removeprefix("pythia-").removesuffix("-deduped").removesuffix("-bf16")
    step = int(PurePosixPath(path).stem.rpartition("_step")[2])
    about = {
        "model": model,
        "size": size,
        "params": _PYTHIA_SIZES[size][0],
        "params_nonemb": _PYTHIA_SIZES[size][1],
        "deduped": model.endswith("-deduped"),
        "step": step,
        "tokens": step * _PYTHIA_TOKENS_PER_STEP,
    }
    return [
        {**about, "task": task, "metric": metric, "value": scores[metric], "stderr": scores[f"{metric}_stderr"]}
        for task, scores in json.loads(content)["results"].items()
        for metric in scores
        if metric in _PYTHIA_METRICS
    ]


def _porian_points(files: Files) -> bytes:
    rows = [
        {**about, "flops": pair["flops"], "n": n, "t": t, "loss": loss}
        for about, pair in _porian(files)
        for n, t, loss in zip(pair["n_vals"], pair["t_vals"], pair["loss_vals"], strict=True)
    ]
    return _csv(pd.DataFrame(rows))


def _porian_pairs(files: Files) -> bytes:
    rows = [{**about, **{field: pair[field] for field in _PORIAN_PAIRS}} for about, pair in _porian(files)]
    return _csv(pd.DataFrame(rows))


def _porian(files: Files) -> list[tuple[dict[str, str], pd.Series[Any]]]:
    """(experiment, optimal pair) of every budget of every experiment of the summaries."""
    by_name = {PurePosixPath(path).name.split(".")[0]: content for path, content in files.items()}
    return [
        ({"file": name, **{key: row[key] for key in _PORIAN_KEYS}}, pair)
        for name in _PORIAN_ORDER
        for _, row in read_pickle(by_name[name]).iterrows()
        for _, pair in row["optimal_pairs"].iterrows()
    ]


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode()


_CONVERTERS: dict[str, Callable[[Files], bytes]] = {
    "json lines": _json_lines,
    "gadre": _gadre,
    "pythia": _pythia,
    "porian points": _porian_points,
    "porian pairs": _porian_pairs,
}
