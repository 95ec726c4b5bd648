# The two commands that a stranger needs are `make report` and `make test`.

PYTHON ?= python3
CORES ?= all
SCALE ?=
STUDIES ?=
NAME ?=
CONFIGFILE ?=
UPGRADE ?=
PORT ?=
MARKED ?=

BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
RESULTS = results/$(or $(SCALE),$(shell sed -n 's/^scale: *\([^ #]*\).*/\1/p' $(CONFIGFILE) config.yaml | head -n 1))
# what is not set here is as config.yaml says
SETTINGS := $(if $(SCALE),scale=$(SCALE)) $(if $(STUDIES),studies=$(STUDIES))
CONFIG := $(strip $(if $(CONFIGFILE),--configfile $(CONFIGFILE)) $(if $(strip $(SETTINGS)),--config $(strip $(SETTINGS))))

.DEFAULT_GOAL := help
.PHONY: help report watch study docs test test-slurm lint format schema gallery bench profile verify audit sbom slurm requirements clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

report: .venv/run.done ## install what is needed and make the report (SCALE, STUDIES, CORES)
	$(SNAKEMAKE) report $(CONFIG)

watch: .venv/run.done ## rebuild the pages while you edit, and reload them in the browser (STUDIES=mine, SCALE, PORT)
	@$(BIN)/python -m workflow_scripts.watch $(RESULTS) $(if $(PORT),--port $(PORT)) --cores $(CORES) $(CONFIG)

study: .venv/run.done ## make a new study that runs at once (NAME=mine)
	@$(BIN)/python -m workflow_scripts.new_study '$(NAME)'

docs: .venv/dev.done ## write the reference anew and build docs/ as a site in site/
	$(BIN)/python -m workflow_scripts.reference
	$(BIN)/zensical build --strict --clean

gallery: .venv/run.done ## write pages into docs/gallery/ from finished results (SCALE, STUDIES, CONFIGFILE)
	@$(SNAKEMAKE) --dry-run report $(CONFIG) | grep -q '^Nothing to be done' || \
		{ echo "error: $(RESULTS) are stale or missing; run make report with the same settings first" >&2; exit 1; }
	$(BIN)/python -m workflow_scripts.gallery $(RESULTS)

test: .venv/dev.done ## run the whole test suite
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slurm: .venv/dev.done .venv/slurm.done ## run jobs on a throw-away Slurm (root, with slurm-wlm, munge and iproute2; MARKED='not faults' in a third of the time)
	REQUIRE_SLURM=1 $(BIN)/python -m pytest -q tests/test_slurm.py $(if $(MARKED),-m '$(MARKED)')

lint: .venv/dev.done ## check formatting, style, types, imports between modules and the schema
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check --compact-diff Snakefile rules
	$(SNAKEMAKE) --lint
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m workflow_scripts.schema --check

format: .venv/dev.done ## format all sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

schema: .venv/run.done ## write report/study.schema.json, by which editors complete and check study files
	$(BIN)/python -m workflow_scripts.schema

bench: .venv/dev.done ## measure against plain loops and peers (NAME=mnist-mlp for one, CONFIGFILE for other data sources)
	$(BIN)/python -m benchmarks $(NAME) $(if $(CONFIGFILE),--configfile $(CONFIGFILE))

profile: .venv/run.done ## show where the time of finished jobs went (SCALE)
	$(BIN)/python -m workflow_scripts.profile $(RESULTS)

verify: .venv/run.done ## check that all results are as they were written (SCALE)
	@$(BIN)/python -m workflow_scripts.verify $(RESULTS)

audit: .venv/audit.done ## look for unsafe code, and for pinned packages with known vulnerabilities
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml hwcore workflow_scripts benchmarks
	$(BIN)/python -m workflow_scripts.audit requirements/run.txt requirements/dev.txt requirements/slurm.txt

sbom: .venv/audit.done ## list all that `make report` installs, with hashes, as sbom.json (CycloneDX)
	$(BIN)/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml --output-reproducible \
		--output-file sbom.json

slurm: .venv/slurm.done ## add the Slurm plugin to .venv

requirements: .venv/dev.done ## pin what requirements/*.in ask for (UPGRADE=1 for the newest versions)
	for name in run dev slurm audit; do \
		$(BIN)/uv pip compile requirements/$$name.in --universal --python-version 3.11 --generate-hashes \
			--no-header --no-emit-index-url --no-emit-find-links --quiet $(if $(UPGRADE),--upgrade) \
			$$(test $$name = run || echo --constraint requirements/run.txt) \
			$$(test $$name != audit || echo --constraint requirements/dev.txt) \
			--output-file requirements/$$name.txt || exit 1; \
	done

clean: ## remove the environment and caches, never results or data
	rm -rf .venv site .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

# An environment is complete when its stamp is newer than what it was made from.
.venv/python.done:
	@command -v $(PYTHON) > /dev/null || \
		{ echo "error: $(PYTHON) was not found; name Python 3.11 or newer: make PYTHON=python3.12 report" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 report" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
		{ echo "error: $(PYTHON) cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run.done: requirements/run.txt .venv/python.done
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/run.txt
	@touch $@

.venv/slurm.done: requirements/slurm.txt .venv/run.done
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/slurm.txt
	@touch $@

.venv/audit.done: requirements/audit.txt .venv/run.done
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/audit.txt
	@touch $@

.venv/dev.done: requirements/dev.txt .venv/run.done
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.txt
	@touch $@
