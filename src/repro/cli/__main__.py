"""`python -m repro.cli`: the command line where its script is not installed."""

from repro.cli import app

app(prog_name="repro")
