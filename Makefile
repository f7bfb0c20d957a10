# Every target sets up what it needs; nothing but Python 3.11 has to be there.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
SNAKEMAKE := $(BIN)/snakemake --cores all --resources gpu=4
MEDSYNTH_REAL_DATA ?= ../shared/data
export MEDSYNTH_REAL_DATA

.PHONY: demo test real bench lint clean

demo: $(VENV)/ready
	$(SNAKEMAKE)
	@echo
	@echo "Report:      $(CURDIR)/results/report/index.html  (open it in a browser)"
	@echo "MLflow page: $(BIN)/mlflow ui --backend-store-uri sqlite:///results/lineage/mlflow.db"
	@echo "             then open http://127.0.0.1:5000"

test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile tests

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

real: $(VENV)/ready
	$(SNAKEMAKE) --configfile tests/real/config.yaml
	@echo "Report: $(CURDIR)/results/real/report/index.html"

bench: $(VENV)/ready
	$(BIN)/python -m tests.benchmarks

clean:
	rm -rf results/[!R]* .snakemake

# torch goes first so that a CPU build offered on the machine is taken.
$(VENV)/ready: envs/requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --requirement envs/requirements.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@
