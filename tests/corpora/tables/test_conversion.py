"""An origin's files become the manifest's bytes; a stranger's pickle runs nothing."""

import json
import lzma
import os
import pickle

import numpy as np
import pandas as pd
import pytest

from repro.corpora.tables.conversion import PickleRefused, convert, read_pickle


def test_one_file_is_copied_byte_for_byte():
    """Carriage returns, odd encodings and a lacking last line feed all stay."""
    content = b"a,b\r\n1,\xff"
    assert content == convert("", {"data/a.csv": content})


def test_json_lines_become_rows():
    """Field names are the header, numbers keep their value, lines end in a line feed."""
    content = (
        b'{"run_name":"a","tokens":10003415040,"final_loss":2.5}\n{"run_name":"b","tokens":20,"final_loss":3.25}\n'
    )
    assert b"run_name,tokens,final_loss\na,10003415040,2.5\nb,20,3.25\n" == convert("json lines", {"x.jsonl": content})


def test_gadre_joins_a_model_with_its_scores():
    """Losses are named by the folder of the validation set, tasks by themselves, models in order of name."""
    files = {}
    for name in ("rpj-b", "c4-a"):
        files[f"exp_data/models/{name}.json"] = json.dumps(_gadre_model(name)).encode()
        scores = {"eval_metrics": {"icl": {"piqa": 0.5, "mmlu": 0.25}}}
        files[f"exp_data/evals/evaluation_{name}_heavy.json"] = json.dumps(scores).encode()
    lines = convert("gadre", files).decode().splitlines()
    assert lines[0].endswith("cd,global_bs,loss_c4_val,loss_de-en,task_piqa,task_mmlu")
    assert ["c4-a", "rpj-b"] == [line.split(",")[0] for line in lines[1:]]
    assert lines[1].endswith("3e-05,512,3.5,4.5,0.5,0.25")


def test_pythia_keeps_accuracies_and_perplexity_only():
    """A score a row; other metrics of the same task are left out."""
    results = {"sciq": {"acc": 0.5, "acc_stderr": 0.1}, "crows": {"pct_stereotype": 0.4, "pct_stereotype_stderr": 0.1}}
    path = "evals/pythia-v1/pythia-70m-deduped/zero-shot/70m-deduped_step128.json"
    header, *rows = convert("pythia", {path: json.dumps({"results": results}).encode()}).decode().splitlines()
    assert "model,size,params,params_nonemb,deduped,step,tokens,task,metric,value,stderr" == header
    assert ["pythia-70m-deduped,70m,70426624,18915328,True,128,268435456,sciq,acc,0.5,0.1"] == rows


def test_porian_points_come_out_of_nested_pickles():
    """One row a point of every budget of every experiment, summaries in their fixed order."""
    content = lzma.compress(pickle.dumps(_summary()))
    names = ("summary_df", "summary_df_owt2", "summary_df_att", "summary_df_kaplan_tuned_hparams")
    header, *rows = (
        convert("porian points", {f"data/{name}.pickle.xz": content for name in names}).decode().splitlines()
    )
    assert "file,dataset,hparams,warmup,decay,param_count,val,flops,n,t,loss" == header
    assert 4 * 2 == len(rows)
    assert "summary_df,rw,base,long,kaplan,kaplan,train,1e+16,10.0,30.0,4.5" == rows[0]
    assert rows[-1].startswith("summary_df_kaplan_tuned_hparams,")


def test_pickled_frames_come_back_whole():
    """The restricted reader reads what it is for: frames of numbers, texts, arrays and frames."""
    summary = read_pickle(pickle.dumps(_summary()))
    pd.testing.assert_frame_equal(_summary().drop(columns="optimal_pairs"), summary.drop(columns="optimal_pairs"))
    np.testing.assert_array_equal([10.0, 20.0], summary["optimal_pairs"][0]["n_vals"][0])
    assert 4.25 == summary["optimal_pairs"][0]["loss_vals"][0][1]


class _Command:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"echo run > {self.mark}",)


def test_pickle_that_calls_a_command_is_refused_and_runs_nothing(tmp_path):
    """The name that the pickle asked for stands in the message; the command never ran."""
    mark = tmp_path / "mark"
    for content in (pickle.dumps(_Command(mark)), pickle.dumps({"frame": [_Command(mark)]}, protocol=2)):
        with pytest.raises(PickleRefused, match=r"asks for (posix|nt)\.system"):
            read_pickle(lzma.compress(content))
    assert not mark.exists()


@pytest.mark.parametrize("module, name", [("builtins", "eval"), ("pandas", "eval"), ("numpy", "ndarray.__class__")])
def test_no_function_that_evaluates_text_gets_through(module, name):
    """numpy and pandas are not trusted as whole packages, nor are attributes of trusted names."""
    content = (
        b"\x80\x04\x8c"
        + bytes([len(module)])
        + module.encode()
        + b"\x8c"
        + bytes([len(name)])
        + name.encode()
        + b"\x93."
    )
    with pytest.raises(PickleRefused, match=f"{module}.{name}"):
        read_pickle(content)


def _gadre_model(name):
    settings = {"params": 10, "params_no_embed": 8, "tokens": 200, "chinchilla_multiplier": 1.0, "lr": 0.003}
    settings |= {"warmup": 100, "wd": 0.033, "cd": 3e-05, "global_bs": 512, "acc": 8}
    results = [
        {"loss": 3.5, "val_data": ["training/eval_data/c4_val/shard-{0000000..0000010}.tar"]},
        {"loss": 4.5, "val_data": ["training/eval_data/val_tok_mult/de-en/val_de-en_100.tar"]},
    ]
    return {"name": name, "dataset_name": name[:2], "hyperparameters": settings, "results": results}


def _summary():
    """A frame as pandas 1 and 2 pickled it: texts are plain objects."""
    values = [np.array([10.0, 20.0]), np.array([30.0, 15.0]), pd.Series([4.5, 4.25])]
    pairs = _objects(["flops", "n_vals", "t_vals", "loss_vals"], [1e16, *values])
    keys = ["dataset", "hparams", "warmup", "decay", "param_count", "val", "optimal_pairs"]
    return _objects(keys, ["rw", "base", "long", "kaplan", "kaplan", "train", pairs])


def _objects(keys, row):
    cells = np.empty((1, len(row)), dtype=object)
    for place, value in enumerate(row):
        cells[0, place] = value
    return pd.DataFrame(cells, columns=pd.Index(keys, dtype=object), dtype=object)
