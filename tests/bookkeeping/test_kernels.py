"""Warm kernels: a notebook sees nothing of another, dies alone, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from ast import literal_eval
from contextlib import suppress
from io import StringIO
from pathlib import Path

import pytest
from tiny_book import CELLS, make_book

from repro.bookkeeping.chapters import Failed, Server, execute, fork_server
from repro.bookkeeping.chapters.kernels import LIBRARIES, TRAINING
from repro.floor.provenance import watched

ROOMS = os.pathsep.join(str(Path(__file__).parents[1] / part) for part in (".", "../src"))

# A notebook leaves its mark wherever a process has a place for one, and a notebook looks there.
MARK = """
import builtins, os, sys
import matplotlib
import tiny_book
from repro.floor.measurement import measurement

@measurement(version=1)
def marked(config: tiny_book.Addends, seed: int) -> dict[str, float]:
    return {"one": 1.0}

builtins.mark = tiny_book.mark = 1
os.environ["MARK"] = "1"
os.umask(7)
sys.path.append("/mark")
matplotlib.rcParams["lines.linewidth"] = 77
"""
LOOK = """
import builtins, os, sys
_repro_before = any(name.partition(".")[0] == "repro" for name in sys.modules)
import matplotlib
import tiny_book
from repro.floor.measurement import registered
print([
    _repro_before, hasattr(builtins, "mark"), hasattr(tiny_book, "mark"), "MARK" in os.environ, "/mark" in sys.path,
    os.umask(0o022) == 7, matplotlib.rcParams["lines.linewidth"] == 77, "marked" in registered(), "marked" in globals(),
])
"""
DRAW = "import random, numpy; print([random.random(), numpy.random.random()])"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("REPRO_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("REPRO_ENGINE", "inline")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def server():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ROOMS)
        with Server(LIBRARIES + TRAINING) as opened:
            yield opened


@pytest.fixture
def printed(server, tmp_path, monkeypatch):
    """(cell) -> what a notebook prints in this cell, which runs before all others."""
    monkeypatch.setenv("PYTHONPATH", ROOMS)
    numbers = iter(range(10))

    def run(cell: str):
        folder = tmp_path / str(next(numbers))
        notebook = make_book(folder, [cell, *CELLS])
        monkeypatch.chdir(folder)
        executed = execute(notebook, {}, folder / "out.ipynb", server=server)
        return literal_eval("".join(shown.text for shown in executed.cells[1].outputs))

    return run


def gone(pid: int) -> bool:
    """Whether there is no such process any more, a moment from now at the latest."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_notebook_sees_nothing_of_the_one_before(printed):
    printed(MARK + "print(0)")

    assert [False] * 9 == printed(LOOK)
    assert [True] * 9 == printed(MARK + LOOK)  # a mark that is there is seen


def test_what_a_notebook_draws_without_a_seed_is_its_own(printed):
    one, two = printed(DRAW), printed(DRAW)

    assert one[0] != two[0]
    assert one[1] != two[1]


def test_kernels_take_no_ports_of_one_another(printed):
    """Of TCP ports, each would look for five that are free, and bind them only later, when others may have them."""
    ask = "from ipykernel.kernelapp import IPKernelApp\nprint([IPKernelApp.instance().transport])"

    assert ["ipc"] == printed(ask)


def test_a_killed_kernel_costs_its_own_notebook_alone(server, printed, tmp_path):
    notebook = make_book(tmp_path, ["import os; os.kill(os.getpid(), 9)", *CELLS])
    with pytest.raises(Failed, match="did not run to its end"):
        execute(notebook, {}, tmp_path / "out.ipynb", server=server)

    assert 1 == printed("print(1)")


def test_a_cell_over_its_limit_is_stopped_and_its_kernel_ended(server, printed, tmp_path):
    notebook = make_book(
        tmp_path, ["import os, time; open('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)", *CELLS]
    )
    with pytest.raises(Failed, match="did not run to its end"):
        execute(notebook, {}, tmp_path / "out.ipynb", cell_limit=2, server=server)

    assert gone(int(Path("pid").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_runs_in_the_server_that_a_fork_would_cut_off(printed):
    """OpenBLAS ends its threads before a fork and starts them again; so does jemalloc, which pyarrow brings."""
    names = printed(
        "import os; from pathlib import Path\n"
        "print([(t / 'comm').read_text().strip() for t in Path(f'/proc/{os.getppid()}/task').iterdir()])"
    )

    assert 1 == len([name for name in names if name != "jemalloc_bg_thd"])


ASK = f"import sys; print([name for name in {watched} if name in sys.modules])"


@pytest.mark.parametrize(
    "imports", ["import statsmodels.api", "import torch.nn", "import importlib.util as i; i.find_spec('torch')"]
)
def test_a_kernel_has_loaded_the_packages_that_a_fresh_process_would_have(printed, monkeypatch, imports):
    """So no record claims a package that its trial's process has not asked for; a page's records rest on this."""
    monkeypatch.setenv("PYTHONPATH", ROOMS)
    program = f"from repro import open_study; {imports}; {ASK}"
    fresh = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert literal_eval(fresh.stdout) == printed(program)


def test_a_package_from_the_shelf_is_whole(printed):
    """It is the very package, with its own spec, and what was shelved with it."""
    program = (
        "import statsmodels.api, scipy.stats, torch, torch.nn.functional, importlib, sys\n"
        "print([float(scipy.stats.norm.cdf(0.0)) == 0.5, float(torch.ones(2, 2).mm(torch.ones(2, 2)).sum()) == 8,\n"
        "torch.nn is sys.modules['torch.nn'], torch.__spec__.loader is torch.__loader__, torch.__spec__.has_location,\n"
        "importlib.import_module('torch') is torch])"
    )

    assert [True] * 6 == printed(program)


def test_cpu_seconds_are_those_of_the_notebook_and_of_what_it_started(server, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ROOMS)
    burn = "import time\nwhile time.process_time() < {}: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn.format(2)!r}])"

    def seconds(cell: str) -> float:
        notebook = make_book(tmp_path, [cell, *CELLS])
        return float(execute(notebook, {}, tmp_path / "out.ipynb", server=server).metadata["repro"]["cpu_seconds"])

    assert seconds("import time; time.sleep(2)") < 2
    assert seconds(child) > 2


def test_a_command_killed_before_its_answer_leaves_no_kernel(monkeypatch):
    """The server cannot tell it what it has just forked, and ends that all the same."""
    kernel = subprocess.Popen(["sleep", "60"], start_new_session=True)
    monkeypatch.setattr(fork_server, "fork", lambda: kernel.pid)
    reading, writing = os.pipe()
    os.close(reading)
    with suppress(BrokenPipeError), os.fdopen(writing, "w") as answers:
        assert fork_server.serve(StringIO('{"arguments": []}\n'), answers) is None

    assert gone(kernel.pid)
    kernel.wait()  # the server has asked how it ended


@pytest.mark.parametrize(("at_once", "number"), [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGKILL)])
def test_no_process_outlives_the_command(tmp_path, monkeypatch, number, at_once):
    """Kernel, what the kernel started, and server: whether the command is interrupted or killed."""
    monkeypatch.setenv("PYTHONPATH", ROOMS)
    wait = (
        "import os, subprocess, time\nchild = subprocess.Popen(['sleep', '60'])\n"
        "open('draft', 'w').write(f'{os.getpid()} {child.pid} {os.getppid()}')\n"
        "os.rename('draft', 'pids')\ntime.sleep(60)"
    )
    make_book(tmp_path, [wait, *CELLS])
    command = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from pathlib import Path; from repro.bookkeeping.chapters import execute, notebooks, side_by_side\n"
            "work = lambda server, notebook: execute(notebook, {}, Path('out.ipynb'), server=server)\n"
            f"side_by_side(work, notebooks(Path('experiments')), at_once={at_once})",
        ],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # ignored in a background job
    )
    while not Path("pids").exists():
        assert command.poll() is None
        time.sleep(0.05)
    started = time.monotonic()
    command.send_signal(number)

    assert command.wait(timeout=20) != 0
    assert time.monotonic() - started < 20
    assert all(gone(int(pid)) for pid in Path("pids").read_text().split())
