# Everything a user runs. Needs Python 3.11 or newer and nothing else; the rest goes into .venv.
PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONUNBUFFERED := 1

.PHONY: run serve back plan results bench test test-slow test-spark axe lint docs clean

# The pipeline as params.yaml says; `make run DATASET=ml-1m SOURCE=folder` first sets the release and its preset,
# `make run PRESET=recbole-ml-1m SOURCE=folder` a published protocol of presets/ (of DATASET, if that is set, too).
# MODELS=all beside DATASET brings the models of presets/models/more.yaml, MODELS=ease,als_mf these two alone.
# The shell takes the names from its environment, so SOURCE may have blanks and parentheses.
# ENGINE=spark runs the same stages on Spark, in local[*] unless MARQUEE_SPARK_MASTER names a cluster. It needs
# Java 17 and changes no byte of a result (docs/how-to/cluster.md).
ifdef ENGINE
export MARQUEE_ENGINE := $(ENGINE)
endif
run: $(VENV)/bin/marquee $(if $(filter spark,$(ENGINE)),$(VENV)/ready-spark)
ifdef PRESET
	@marquee use "$$PRESET" $(if $(MODELS),--models "$$MODELS") $(if $(DATASET),--dataset "$$DATASET") $(if $(SOURCE),--source "$$SOURCE")
else ifdef DATASET
	@marquee use "$$DATASET" $(if $(MODELS),--models "$$MODELS") $(if $(SOURCE),--source "$$SOURCE")
else ifdef MODELS
	$(error MODELS needs a release beside it, such as DATASET=synthetic-100k)
endif
	@marquee check --prune --restore
	dvc repro
	@marquee leaderboard

# params.yaml and the outputs as committed; code and files of your own stay
back: $(VENV)/bin/marquee
	@marquee back

# Answer over HTTP from the models of the last run; `make serve ARGS="--port 8080"` passes arguments on
serve: $(VENV)/ready-serve
	@marquee serve $(ARGS)

# The memory and disk of each stage, for params.yaml or DATASET. MARQUEE_MEMORY=8 allows a stage 8 GiB
plan: $(VENV)/bin/marquee
	@marquee plan $(if $(DATASET),--dataset "$$DATASET")

# docs/results.md, of all protocols of bench/protocols.py or of PROTOCOL; resumes in the folder WORK; JOBS=2 runs two
results: $(VENV)/ready
	python -m bench.reproduce_results --write $(PROTOCOL) $(if $(SOURCE),--source "$$SOURCE") \
		$(if $(WORK),--work "$$WORK") $(if $(JOBS),--jobs $(JOBS))

# docs/speed.md: beside peers, each in an environment of its own; all, or BENCHMARK, PEER, SIZE, DIM, REPEATS
bench: $(VENV)/ready
	$(if $(SOURCE),SOURCE="$$SOURCE") python -m bench.run --write $(BENCHMARK) $(if $(PEER),--peer $(PEER)) \
		$(if $(SIZE),--size $(SIZE)) $(if $(DIM),--dim $(DIM)) $(if $(REPEATS),--repeats $(REPEATS))

test: $(VENV)/ready-dev
	python -m pytest -n 2 -m "not slow and not spark"

test-slow: $(VENV)/ready-dev
	python -m pytest -n 2 -m "slow and not spark"

# The engine on Spark; without Java 17 the tests are skipped, with the reason
test-spark: $(VENV)/ready-dev $(VENV)/ready-spark
	python -m pytest -rs -m spark

# axe-core from npm, for the tests of the report in a browser; without it `make test-slow` skips them
axe:
	npm install --silent --no-save --prefix .browser axe-core@4.14

lint: $(VENV)/ready-dev
	ruff format --check .
	ruff check .
	mypy
	! git grep -nEf .ci/retired-names.txt -- . ':!.ci' ':!CHANGELOG.md' ':!bench/results' ':!marquee/simulator/words.yaml'

# The documentation as a site in site/; `python -m http.server -d site` shows it, with search
docs: $(VENV)/ready-docs
	properdocs build --clean

clean:
	rm -rf $(VENV) .browser .checkpoints logs

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: requirements.txt constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/bin/marquee: pyproject.toml $(VENV)/ready
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/ready-serve: requirements-serve.txt $(VENV)/bin/marquee
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-serve.txt
	@touch $@

$(VENV)/ready-spark: requirements-spark.txt $(VENV)/bin/marquee
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-spark.txt
	@touch $@

$(VENV)/ready-docs: requirements-docs.txt constraints.txt | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	@touch $@

$(VENV)/ready-dev: requirements-dev.txt requirements-serve.txt $(VENV)/bin/marquee
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
