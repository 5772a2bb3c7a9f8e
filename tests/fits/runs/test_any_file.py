"""Whatever a file holds, reading it gives runs or one error in words: no other exception, at any input."""

import gzip
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.fits.runs.reading import BadRuns, Runs, read_runs

EXAMPLES = settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = st.one_of(
    st.sampled_from(["N", "D", "C", "loss", "params (M)", "tokens", "lr", "counting", "epochs", "val_ppl", "bits", ""]),
    st.text(max_size=8),
)
NUMBERS = st.one_of(
    st.floats(),
    st.integers(),
    st.floats(1e6, 1e11),
    st.floats(1.0, 5.0),
    st.sampled_from([0, 1e9, 2e9, 3.5, 1e300, 1e-300]),
)
CELLS = st.one_of(
    NUMBERS.map(str), st.text(max_size=6), st.sampled_from(["7B", "1,4", "nan", "total", " ", '"', "1e400"])
)
MAGICS = st.sampled_from(
    [b"", b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"\xff\xfe", b"[", b"{", b"sep=;\n", b"#"]
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=5)),
    max_leaves=20,
)
RUN = st.fixed_dictionaries({"N": NUMBERS, "D": NUMBERS, "loss": NUMBERS}, optional={"lr": JSON, "C": NUMBERS})


def _read(folder, content):
    """Runs, or the one sentence that says why not."""
    path = folder / "runs"
    path.write_bytes(content)
    try:
        read = read_runs(path)
    except BadRuns as error:
        assert str(error).startswith(f"{path}: ")
        assert str(error).encode()
        return
    assert isinstance(read, Runs)
    assert np.isfinite(read.frame.to_numpy()).all() and (read.frame.to_numpy() > 0).all()


@EXAMPLES
@given(MAGICS, st.binary(max_size=300), st.booleans())
def test_any_bytes(tmp_path, magic, rest, packed):
    _read(tmp_path, gzip.compress(magic + rest, mtime=0) if packed else magic + rest)


@EXAMPLES
@given(st.text(max_size=200))
def test_any_text(tmp_path, text):
    _read(tmp_path, text.encode("utf-8", "surrogatepass"))


@EXAMPLES
@given(st.lists(NAMES, min_size=2, max_size=6), st.data(), st.sampled_from([",", ";", "\t", "|", " "]))
def test_any_table(tmp_path, header, data, separator):
    """Cells of every kind under columns that are read."""
    rows = data.draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=12))
    _read(tmp_path, "\n".join(separator.join(cells) for cells in [header, *rows]).encode("utf-8", "replace"))


@EXAMPLES
@given(JSON, st.lists(RUN, max_size=12), st.booleans())
def test_any_json(tmp_path, anything, runs, lines):
    """Objects of every kind, one per line or in an array."""
    _read(tmp_path, json.dumps(anything).encode())
    texts = [json.dumps(run) for run in runs]
    _read(tmp_path, ("\n".join(texts) if lines else f"[{','.join(texts)}]").encode())


@settings(EXAMPLES, max_examples=15)  # each is fitted
@given(st.lists(st.tuples(st.floats(1e5, 1e12), st.floats(1e6, 1e14), st.floats(0.01, 1e3)), min_size=6, max_size=14))
def test_any_runs_of_usual_size(tmp_path, runs):
    """What passes the reader's doubts comes out of it whole, however odd the losses."""
    _read(tmp_path, ("N,D,loss\n" + "\n".join(",".join(map(repr, run)) for run in runs)).encode())


@pytest.mark.parametrize("place", ["missing.csv", "", "\udcff.csv"])
def test_any_path(tmp_path, place):
    """No such file, a folder, a name that is no UTF-8."""
    with pytest.raises(BadRuns) as caught:
        read_runs(tmp_path / place)
    assert str(caught.value).encode()
