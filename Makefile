# Two commands: `make book` and `make test`. Everything else is `.venv/bin/repro --help`.
# A stamp in .venv is written only after its step has succeeded, so an interrupted set-up is simply taken up again.

PYTHON    ?= python3
RUN       := .venv/bin
PACKAGES  := pyproject.toml constraints.txt
NOTEBOOKS := $(wildcard experiments/*/*.ipynb)
BOOK      := .[book]
TEST      := .[book,dev,training]

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup book test check clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' Makefile
	@echo "Another Python than python3: make book PYTHON=python3.12"

setup: .venv/.ready-test ## make the virtual environment in .venv with all that notebooks and tests need, PyTorch too

book: .venv/.ready-book ## set up, derive every page from notebooks and records, build book/_build/html
	@$(RUN)/repro book

test: .venv/.ready-test ## set up and run the tests (only some: make test ARGS='tests/floor -x')
	@$(RUN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal $(ARGS)

check: .venv/.ready-test ## lint, types, notebooks without outputs, workflows
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(if $(NOTEBOOKS),$(RUN)/nbstripout --keep-id --verify $(NOTEBOOKS))
	@if command -v actionlint >/dev/null; then actionlint; \
	else echo "actionlint is not installed here: the workflows were not linted"; fi

clean: ## remove what was built and the virtual environment; records and verdicts stay
	rm -rf .venv book/_build book/_generated book/articles book/chapters book/claims book/parts src/repro.egg-info

.venv/.made:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Install Python 3.11 or newer, \
	or name one: make book PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else \
	"$(PYTHON) is Python %d.%d. The book needs 3.11 or newer: make book PYTHON=python3.12" % v[:2])'
	@$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/.ready-book: .venv/.made $(PACKAGES)
	$(call install,$(BOOK))
	@touch $@

.venv/.ready-test: .venv/.made $(PACKAGES)
	$(call install,$(TEST))
	@sh .ci/browser
	@touch .venv/.ready-book $@

define install
@echo "Installing $(1) into .venv, at the versions of constraints.txt: a minute or two ..."
@start=$$(date +%s) \
&& $(RUN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '$(1)' \
&& echo "Installed in $$(( $$(date +%s) - start )) s."
endef
