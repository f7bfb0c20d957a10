# Every target sets up what it needs; nothing but Python 3.11 has to be there.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores all --resources gpu=4
MEDSYNTH_REAL_DATA ?= ../shared/data
export MEDSYNTH_REAL_DATA

SCIENCE := $(patsubst config/%.yaml,%,$(wildcard config/science/*.yaml))

.PHONY: demo test docs real science $(SCIENCE) bench lint lock clean
.NOTPARALLEL:

demo: $(VENV)/ready
	$(SNAKEMAKE)
	@echo
	@echo "Report:      $(CURDIR)/results/report/index.html  (open it in a browser)"
	@echo "MLflow page: $(BIN)/mlflow ui --workers 1 --backend-store-uri sqlite:///results/lineage/mlflow.db"
	@echo "             then open http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"

test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile tests

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

docs: $(VENV)/dev
	$(BIN)/mkdocs build --quiet
	@echo "Documentation: $(CURDIR)/site/index.html"

real: $(VENV)/ready
	$(SNAKEMAKE) --configfile tests/real/config.yaml
	@echo "Report: $(CURDIR)/results/real/report/index.html"

# What docs/results.md tells, one configuration after the other, hours each; a second call goes on.
science: $(VENV)/ready
	+$(MAKE) --no-print-directory --keep-going $(SCIENCE)

$(SCIENCE): $(VENV)/ready
	@if [ -d "$(MEDSYNTH_REAL_DATA)" ]; then \
		echo "$@: results/$@"; nice -n 15 $(SNAKEMAKE) --configfile config/$@.yaml; \
	else \
		echo "$@: skipped, there is no folder $(MEDSYNTH_REAL_DATA); MEDSYNTH_REAL_DATA names it"; \
	fi

science/%:
	@echo "$@: there is no config/$@.yaml; there are $(SCIENCE)"; exit 1

bench: $(VENV)/dev
	$(BIN)/python -m tests.benchmarks

# What `make science` made stays, with Snakemake's notes, which say what of it is half done.
clean:
	find results -mindepth 1 -maxdepth 1 ! -name README.md ! -name science -exec rm -rf {} +
	test -e results/science || rm -rf .snakemake

# What runs. After the lock, torch finds all it needs; the build offered on the machine is taken.
$(VENV)/ready: envs/requirements.txt envs/torch.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement envs/requirements.txt
	$(BIN)/pip install --quiet --requirement envs/torch.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# The tools of tests and documentation beside it.
$(VENV)/dev: $(VENV)/ready envs/requirements-dev.txt
	$(BIN)/pip install --quiet --no-deps --require-hashes --requirement envs/requirements-dev.txt
	touch $@

# Both locks anew, of the ranges in pyproject.toml; versions stay where these allow it.
# To have newer ones: make lock UPGRADE=--upgrade, or UPGRADE="--upgrade-package mlflow".
lock:
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet uv==0.13.9
	$(LOCK) --extra slides --extra registration --output-file envs/requirements.txt
	$(LOCK) --all-extras --constraint envs/requirements.txt --output-file envs/requirements-dev.txt
LOCK = $(VENV)/lock/bin/uv pip compile pyproject.toml --quiet --generate-hashes --no-annotate \
	--python-version 3.11 --python-platform x86_64-manylinux_2_28 --no-emit-package torch \
	--custom-compile-command "make lock" $(UPGRADE)
