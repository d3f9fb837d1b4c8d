# Everything a user runs. Needs Python 3.11 or newer and nothing else; the rest goes into .venv.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1

.PHONY: run plan results bench test test-slow lint docs clean

# `make run` is the default data; `make run DATASET=ml-1m SOURCE=folder` is one experiment on real data.
run: $(VENV)/ready
	@python -m marquee.cli.check
ifdef DATASET
	dvc exp run -S dataset.name=$(DATASET) $(if $(SOURCE),-S "dataset.source=$(SOURCE)")
else
	dvc repro
endif
	@python -m marquee.cli.leaderboard

# What that run will take: time, memory and disk of each stage. MARQUEE_MEMORY=8 allows a stage 8 GiB
plan: $(VENV)/ready
	@python -m stages.plan $(if $(FRESH),--fresh)

# docs/results.md, of all protocols of bench/protocols.py or of PROTOCOL; resumes in the folder WORK; JOBS=2 runs two
results: $(VENV)/ready
	python -m bench.reproduce_results --write $(PROTOCOL) $(if $(SOURCE),--source "$(SOURCE)") \
		$(if $(WORK),--work "$(WORK)") $(if $(JOBS),--jobs $(JOBS))

# docs/speed.md: beside peers, each in an environment of its own; all, or BENCHMARK, PEER, SIZE, DIM, REPEATS
bench: $(VENV)/ready
	$(if $(SOURCE),SOURCE="$(SOURCE)") python -m bench.run --write $(BENCHMARK) $(if $(PEER),--peer $(PEER)) \
		$(if $(SIZE),--size $(SIZE)) $(if $(DIM),--dim $(DIM)) $(if $(REPEATS),--repeats $(REPEATS))

test: $(VENV)/ready-dev
	python -m pytest -n 2 -m "not slow"

test-slow: $(VENV)/ready-dev
	python -m pytest -n 2 -m slow

lint: $(VENV)/ready-dev
	ruff format --check .
	ruff check .
	mypy

# The documentation as a site in site/; `python -m http.server -d site` shows it, with search
docs: $(VENV)/ready-docs
	properdocs build --clean

clean:
	rm -rf $(VENV) .checkpoints logs

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: requirements.txt constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/ready-docs: requirements-docs.txt constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

$(VENV)/ready-dev: requirements-dev.txt $(VENV)/ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
