"""A cluster of two machines, both of them processes here, of which one is lost while a sweep runs."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from ordeal import Ordeal, diary_of, ordeal, trial

from repro.bookkeeping.records import RecordStore
from repro.bookkeeping.sweeps import EngineSettings, SweepFailed, sweep

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # of Ray's own files and sockets
]


@pytest.fixture
def two_machines(monkeypatch, tmp_path):
    """A cluster whose machines have one core each, and the one that a test may lose."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    import ray

    rooms = [Path(__file__).parents[1], Path(__file__).parents[2] / "src"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, rooms)))  # as if both were installed on each machine
    monkeypatch.setenv("ORDEAL_DIARY", str(tmp_path / "diary"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster, second
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_a_sweep_outlives_the_loss_of_a_machine(two_machines, tmp_path):
    """Trials that ran on the lost machine run on the other; those that raise, die or overrun cost themselves alone."""
    cluster, second = two_machines
    store, diary = RecordStore(tmp_path / "records"), tmp_path / "diary"
    well = [Ordeal(number, patience=1.0) for number in range(8)]
    ill = [Ordeal(20, "raised"), Ordeal(21, "stuck"), Ordeal(22, "dead")]
    lost = threading.Thread(target=lose, args=(cluster, second, diary))
    lost.start()
    with pytest.raises(SweepFailed, match="3 of 11 trials failed") as failed:
        sweep(ordeal, [*well, *ill], store=store, settings=EngineSettings("ray", time_limit=10))
    lost.join()
    here = sweep(ordeal, well, store=RecordStore(tmp_path / "here"), settings=EngineSettings("inline")).table

    assert list(here["sum"]) == list(sweep(ordeal, well, store=store, compute="never").table["sum"])
    assert 1 == diary_of(diary).count((20, 0))  # what a trial raises is not tried again
    for told in ("number 20 was planted to fail", "took longer than its limit", "died 4 times"):
        assert told in str(failed.value)
    assert "1" == store.get(trial(0, patience=1.0)).provenance["threads"]


def lose(cluster, node, diary: Path) -> None:
    """Kill a machine once both are at work."""
    deadline = time.monotonic() + 120
    while len(diary_of(diary)) < 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    cluster.remove_node(node, allow_graceful=False)
