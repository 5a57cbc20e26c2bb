# Each target makes the environment it needs from requirements/, and does nothing that is up to date.
# A company's own certificates are honoured: UV_SYSTEM_CERTS makes uv look where the system looks.
export UV_SYSTEM_CERTS = 1
# Where it is set, as in many containers, each of a stack's processes compiles all that it imports,
# at every start anew: twice the time.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
UV := .venv/uv/bin/uv
LOCAL := .venv/local/bin/python
export TOX_UV_PATH = $(CURDIR)/$(UV)

.DEFAULT_GOAL := help
.PHONY: help demo up down test verify inventories docker bench docs lint render lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: .venv/local/ready ## the whole way of an event, in under a minute
	$(LOCAL) -m local demo

up: .venv/local/ready ## start the stack and keep it running
	$(LOCAL) -m local up

down: .venv/local/ready ## stop it
	$(LOCAL) -m local down

test: .venv/tox/ready ## lint, types, and every test that fits
	.venv/tox/bin/tox run

verify: .venv/tox/ready ## scripts, workflows and Terraform, offline; needs the terraform command
	.venv/tox/bin/tox run -e deploy,terraform

inventories: .venv/tox/ready ## write what plans and scripts would do, after a change that is meant
	.venv/tox/bin/tox run -e terraform -- --write tests/terraform/test_inventory.py tests/terraform/test_slips.py
	.venv/tox/bin/tox run -e deploy -- --write tests/scripts/test_commands.py

docker: .venv/tox/ready ## the stack in containers: built, run, killed and counted; needs an engine
	.venv/tox/bin/tox run -e docker

bench: .venv/local/ready ## speed beside the stock parts, in about four minutes; ARGS="runner --quick" for less
	$(LOCAL) -m bench $(ARGS)

docs: .venv/tox/ready ## the pages and the API as a site, in .tox/docs/site
	.venv/tox/bin/tox run -e docs

lint: .venv/tox/ready ## style, imports and types alone
	.venv/tox/bin/tox run -e lint,types

render: .venv/local/ready ## write schemas, DDL and docs from event_types/
	$(LOCAL) -m event_types.render

lock: $(UV) ## resolve pyproject.toml into requirements/ anew
	scripts/lock.sh $(UV)

clean: ## remove the environments, keep the data
	rm -rf .venv .tox .mypy_cache .ruff_cache .pytest_cache

# An install says one line; what fails says all it has to.
installing = echo "installing $(@D): $$(grep -c == $<) packages"

$(UV): requirements/uv.txt
	@$(PYTHON) -m venv --clear .venv/uv
	@.venv/uv/bin/pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

.venv/local/ready: requirements/local.txt emulators/pyproject.toml $(UV)
	@$(installing)
	@$(UV) venv -q --clear --python $(PYTHON) $(@D)
	@$(UV) pip sync -q --require-hashes --python $(@D) $<
	@$(UV) pip install -q --no-deps --python $(@D) -e emulators
	@touch $@

.venv/%/ready: requirements/%.txt $(UV)
	@$(installing)
	@$(UV) venv -q --clear --python $(PYTHON) $(@D)
	@$(UV) pip sync -q --require-hashes --python $(@D) $<
	@touch $@
