"""pyproject.toml, constraints.txt and environment.yml say the same; workflows call what the README tells."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
TRAINING = {canonicalize_name(Requirement(line).name) for line in EXTRAS["training"]}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# Where what one imports is not what one installs.
INSTALLED_AS = {"yaml": "pyyaml", "IPython": "ipython", "bs4": "beautifulsoup4", "sphinx": "jupyter-book"}


def requirements(*extras: str) -> list[Requirement]:
    """What the package wants, with some of its extras; an extra of its own is opened."""
    wanted = [Requirement(line) for line in [*PROJECT["dependencies"], *(r for extra in extras for r in EXTRAS[extra])]]
    own = [r for r in wanted if r.name == PROJECT["name"]]
    inner = [Requirement(line) for r in own for extra in sorted(r.extras) for line in EXTRAS[extra]]
    return [r for r in wanted if r.name != PROJECT["name"]] + inner


def pins() -> dict[str, Requirement]:
    """The lines of constraints.txt by canonical name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in found}


def pinned_version(pin: Requirement) -> Version:
    """The one version that a line allows."""
    [specifier] = pin.specifier
    assert "==" == specifier.operator, f"{pin}: constraints are exact"
    return Version(specifier.version)


def test_what_the_package_wants_is_pinned_at_a_version_it_allows():
    """Every requirement of every extra has its line in constraints.txt, and the line satisfies it."""
    wanted, held = requirements(*EXTRAS), pins()

    assert [] == [str(r) for r in wanted if canonicalize_name(r.name) not in held]
    assert [] == [str(r) for r in wanted if pinned_version(held[canonicalize_name(r.name)]) not in r.specifier]


def test_what_is_installed_here_is_what_the_constraints_say():
    """Followed through all that our requirements require: nothing unpinned, nothing at another version."""
    held, waiting, seen = pins(), [(r, "") for r in requirements("book", "dev", "training")], set()
    wrong = []
    while waiting:
        wanted, extra = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, extra) in seen or (wanted.marker and not wanted.marker.evaluate({"extra": extra})):
            continue
        seen.add((name, extra))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{name} is not installed: an environment without all that `make test` installs")
        if name not in held or pinned_version(held[name]).public != Version(distribution.version).public:
            wrong.append(f"{name} {distribution.version}")
        inner = [Requirement(line) for line in distribution.requires or []]
        waiting += [(r, e) for r in inner for e in ["", *wanted.extras]]

    assert [] == wrong


def test_conda_installs_the_same():
    """environment.yml takes its versions from constraints.txt and its Python from pyproject.toml."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, through_pip = environment["dependencies"]

    assert "pip" == pip
    assert ["--constraint constraints.txt", "--editable .[book,dev,training]"] == through_pip["pip"]
    assert python.removeprefix("python").startswith(PROJECT["requires-python"])


def test_no_local_version_is_pinned():
    """torch==2.13.0 is met by a CPU build and a CUDA build; torch==2.13.0+cpu would forbid one of them."""
    assert [] == [str(pin) for pin in pins().values() if "+" in str(pin)]


def test_the_book_needs_no_torch():
    """Reading, fitting and the arithmetic: `make book` installs neither torch nor trl; `make test` installs both."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installed = dict(re.findall(r"^(BOOK|TEST) +:= \.\[([a-z,]+)\]$", makefile, flags=re.MULTILINE))
    names = {canonicalize_name(r.name) for r in requirements(*installed["BOOK"].split(","))}

    assert set() == names & TRAINING
    assert {"book", "dev", "training"} == set(installed["TEST"].split(","))


IMPORTING = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError(f"No module named {{name!r}}")

sys.path.insert(0, {source!r})
sys.meta_path.insert(0, Absent())
from repro.floor.doors import import_measurements
import_measurements()
"""


@pytest.mark.parametrize(("absent", "complaint"), [(TRAINING, ""), ({"scipy"}, "No module named 'scipy'")])
def test_every_measurement_is_known_without_torch(absent: set[str], complaint: str):
    """Status, pages from records and `repro check` import all measuring modules, so these import torch in functions."""
    program = IMPORTING.format(absent=absent, source=str(ROOT / "src"))
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert complaint == ended.stderr.strip().rpartition("Error: ")[2]


def test_every_import_is_declared():
    """A library that the package imports is one that pyproject.toml asks for, not one that happens to come along."""
    declared = {canonicalize_name(r.name) for r in requirements(*EXTRAS)}
    imported = {
        name.split(".")[0]
        for path in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))
        for name in _named(node)
    }
    foreign = imported - set(sys.stdlib_module_names) - {"repro"}

    assert [] == sorted(n for n in foreign if canonicalize_name(INSTALLED_AS.get(n, n)) not in declared)


def _named(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []


def test_the_command_is_where_the_project_says():
    """`repro` starts, and names the package's version the same as pyproject.toml and CITATION.cff."""
    module, _, attribute = PROJECT["scripts"]["repro"].partition(":")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))

    assert callable(getattr(importlib.import_module(module), attribute))
    assert PROJECT["version"] == importlib.import_module("repro").__version__ == citation["version"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_modest_and_pinned(path: Path):
    """Actions by major version, permissions stated, full history for what reads it, a time limit on each job."""
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    uses = [step["uses"] for step in steps if "uses" in step]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]

    assert {"contents": "read"} == workflow["permissions"]
    assert [] == [action for action in uses if not re.fullmatch(r"[\w.-]+/[\w./-]+@v\d+", action)]
    assert [] == [step for step in checkouts if step.get("with", {}).get("fetch-depth") != 0]
    assert [] == [name for name, job in workflow["jobs"].items() if "timeout-minutes" not in job]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run", ROOT / "README.md"], ids=lambda path: path.name)
def test_commands_that_are_told_exist(path: Path):
    """Each `make TARGET` and `repro COMMAND` of the workflows, .ci/run and the README is one there is."""
    from repro.cli.commands import NAMES

    code = _code(path)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert set() == set(re.findall(r"(?:^|[`\s])make ([a-z]+)", code)) - set(targets)
    assert set() == set(re.findall(r"(?:^|[`\s/])repro ([a-z]+)", code)) - set(NAMES)


def _code(path: Path) -> str:
    """What is code in Markdown (fences, backticks), or a script or workflow without comments, titles and quotations."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return "\n".join(re.findall(r"```.*?```|`[^`]+`", text, flags=re.DOTALL))
    lines = [line.partition("#")[0] for line in text.splitlines() if not re.match(r"\s*(- )?name:", line)]
    return re.sub(r'"[^"\n]*"', "", "\n".join(lines))


def test_scripts_parse():
    """A shell script with a slip of the pen fails here, not in the night's run."""
    for script, shell in ((".ci/run", "bash"), (".ci/browser", "sh")):
        subprocess.run([shell, "-n", ROOT / script], check=True)
