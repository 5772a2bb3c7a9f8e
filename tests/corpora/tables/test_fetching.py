"""Fetching keeps the manifest's bytes or nothing at all."""

import dataclasses
import hashlib
import http.server
import threading

import pytest

from repro.corpora.tables.fetching import ATTEMPTS, FetchFailed, fetch
from repro.corpora.tables.tables import find_table, kept_at, table

CONTENT = b"x,y\n1,2\n"


class _Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        status, announced, body = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent: the test's output is no place for it."""


@pytest.fixture
def origin(tmp_path, monkeypatch):
    """A server of this machine in the origin's place."""
    monkeypatch.setenv("REPRO_DATA", "")
    monkeypatch.setenv("REPRO_CACHE", str(tmp_path / "cache"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Origin) as server:
        server.asked, server.answer = [], (200, len(CONTENT), CONTENT)
        server.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_fetched_table_is_found_afterwards(origin):
    """The address holds repository, commit and path; the kept file is what `find_table` gives."""
    entry = _entry(CONTENT)
    path = fetch(entry, origin=origin.address)
    assert [f"/{entry.repository}/{entry.commit}/data/svg_extracted_data.csv"] == origin.asked
    assert CONTENT == path.read_bytes()
    assert path == find_table(entry.id)


def test_wrong_hash_leaves_nothing_behind(origin, tmp_path):
    """Both hashes are named; not even a partial file remains."""
    entry = _entry(b"other")
    with pytest.raises(FetchFailed, match=entry.sha256) as caught:
        fetch(entry, origin=origin.address)
    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value)
    assert [] == list((tmp_path / "cache").rglob("*"))


def test_interrupted_download_is_tried_again_then_refused(origin, tmp_path):
    """A body shorter than announced is no table, even if the bytes so far look like one."""
    origin.answer = (200, len(CONTENT) + 10, CONTENT)
    with pytest.raises(FetchFailed, match=r"IncompleteRead.*Nothing was kept"):
        fetch(_entry(CONTENT), origin=origin.address, pause_s=0.0)
    assert ATTEMPTS == len(origin.asked)
    assert [] == list((tmp_path / "cache").rglob("*"))


def test_file_that_is_not_there_is_asked_for_once(origin):
    """404 will not mend itself."""
    origin.answer = (404, 0, b"")
    with pytest.raises(FetchFailed, match="404"):
        fetch(_entry(CONTENT), origin=origin.address)
    assert 1 == len(origin.asked)


def test_table_made_by_hand_says_how(origin):
    """No download is tried; the reader learns the origin, the derivation and the hash."""
    entry = table("datablations_182_runs")
    with pytest.raises(FetchFailed, match=r"utils/parametric_fit.ipynb.*REPRO_DATA"):
        fetch(entry, origin=origin.address)
    assert [] == origin.asked
    assert not kept_at(entry.sha256).exists()


def _entry(content):
    return dataclasses.replace(table("epoch_chinchilla_svg_extracted_data"), sha256=hashlib.sha256(content).hexdigest())
