# Two commands do it all: `make demo` and `make test`. Both install what they need and cache what is expensive.
.DEFAULT_GOAL := help
.PHONY: help demo test test-fast lint unit chart testbed-tests cluster faults bench imports images push lock down clean
SHELL := /bin/bash

PYTHON ?= python3
BIN := .venv/bin
STUBS := $(foreach proto,csi registration,csi/$(proto)_pb2.py csi/$(proto)_pb2.pyi)
# images/nfs/entrypoint is Python.
SHELL_PROGRAMS := hooks/gluster/scripts/*.sh tests/unit/fake_pool/bin/* csi/*.sh testbed/*.sh images/glusterfs/entrypoint .ci/run .ci/evidence
TESTBED := $(PYTHON) -m testbed
# Where kubectl, helm and helm3 are; the test bed builds or fetches them once.
TOOLS = $$($(TESTBED) tools)
BUILDER ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool)),$(tool))))
VERSION := $(shell sed -n 's/^version: //p' charts/glusterfs/Chart.yaml)
APP_VERSION := $(shell sed -n 's/^appVersion: "\(.*\)"/\1/p' charts/glusterfs/Chart.yaml)
REGISTRY ?= localhost
BEDS ?= 2

help: ## show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

.venv/done: requirements-dev.lock
	@echo "Installing Python packages into .venv (about half a minute) ..."
	@$(PYTHON) -m venv .venv 2>/dev/null || { apt-get install -y -qq python3-venv >/dev/null && $(PYTHON) -m venv .venv; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# The CSI driver's messages come out of its .proto files, here as at the build of its image; mypy reads their types.
%_pb2.py %_pb2.pyi: %.proto .venv/done
	@$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. $<

demo: .venv/done ## a real cluster, the chart on it, a volume mounted in pods on two nodes
	@$(TESTBED) up
	@PATH=$(TOOLS):$$PATH KUBECONFIG=$$($(TESTBED) kubeconfig) $(BIN)/python -m demo

test: test-fast cluster testbed-tests ## everything

test-fast: lint unit chart ## what needs no cluster: lint, unit and chart tests

lint: .venv/done $(STUBS) ## ruff, mypy, import contracts, shellcheck, hadolint, yamllint
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo --no-cache >/dev/null || $(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/shellcheck --external-sources --source-path=SCRIPTDIR $(SHELL_PROGRAMS)
	@$(BIN)/hadolint --ignore DL3008 images/*/Dockerfile
	@$(BIN)/yamllint --strict charts/glusterfs/values.yaml charts/glusterfs/examples tests .github

imports: .venv/done ## draw docs/imports.svg, the imports between packages (needs dot, of Debian's package graphviz)
	@$(BIN)/import-linter drawgraph hooks | dot -Tsvg >docs/imports.svg

unit: .venv/done $(STUBS) ## unit tests of the hook and of the CSI driver
	@command -v getfattr >/dev/null || apt-get install -y -qq attr >/dev/null || echo "Without getfattr (package attr)" \
	  "the tests of scripts that read a brick's volume-id are skipped."
	@$(BIN)/pytest tests/unit -n 2 --dist worksteal

chart: .venv/done ## chart tests, with Helm 3 and Helm 4
	@PATH=$(TOOLS):$$PATH $(BIN)/pytest tests/chart -n 2 --dist worksteal

testbed-tests: .venv/done ## the test bed's own tests (they need root)
	@$(BIN)/pytest tests/testbed

cluster: .venv/done ## tests on real clusters: BEDS (2) test beds side by side, or the one that KUBECONFIG names
	@if [ -n "$$KUBECONFIG" ]; then $(BIN)/pytest tests/cluster --kubeconfig "$$KUBECONFIG"; else \
	  $(TESTBED) up && $(TESTBED) load csi-provisioner csi-resizer && \
	  PATH=$(TOOLS):$$PATH $(BIN)/pytest tests/cluster -n $(BEDS) --dist loadfile --no-loadscope-reorder \
	    --kubeconfig "$$($(TESTBED) kubeconfig)"; fi

faults: .venv/done ## everything that happens to pools, under writers, FAULT_ROUNDS (3) times in a row
	@$(TESTBED) up
	@PATH=$(TOOLS):$$PATH FAULT_ROUNDS=$${FAULT_ROUNDS:-3} $(BIN)/pytest tests/cluster/faults \
	  --kubeconfig "$$($(TESTBED) kubeconfig)"

bench: .venv/done ## tables of what it costs: planning, the hook against a script by hand, claims
	@$(TESTBED) up
	@PATH=$(TOOLS):$$PATH KUBECONFIG=$$($(TESTBED) kubeconfig) $(BIN)/python -m bench

images: ## build the images with docker, podman or buildah (BUILDER=...)
	@test -n "$(BUILDER)" || { echo "Install docker, podman or buildah, or name one: make images BUILDER=..."; exit 1; }
	$(BUILDER) build -t $(REGISTRY)/glusterfs:$(APP_VERSION) -f images/glusterfs/Dockerfile .
	$(BUILDER) build -t $(REGISTRY)/glusterfs-hooks:$(VERSION) -f images/hooks/Dockerfile .
	$(BUILDER) build -t $(REGISTRY)/glusterfs-csi:$(VERSION) -f images/csi/Dockerfile .
	$(BUILDER) build -t $(REGISTRY)/glusterfs-nfs:$(VERSION) -f images/nfs/Dockerfile .

push: images ## build and push the images: make push REGISTRY=registry.example.com/storage
	@test "$(REGISTRY)" != localhost || { echo "Say where to: make push REGISTRY=registry.example.com/storage"; exit 1; }
	$(BUILDER) push $(REGISTRY)/glusterfs:$(APP_VERSION)
	$(BUILDER) push $(REGISTRY)/glusterfs-hooks:$(VERSION)
	$(BUILDER) push $(REGISTRY)/glusterfs-csi:$(VERSION)
	$(BUILDER) push $(REGISTRY)/glusterfs-nfs:$(VERSION)

lock: ## pin the Python packages anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --generate-hashes \
	  --upgrade pyproject.toml -o hooks/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --generate-hashes \
	  --upgrade --group csi -c hooks/requirements.lock -o csi/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --generate-hashes \
	  --upgrade --group dev pyproject.toml -c hooks/requirements.lock -c csi/requirements.lock -o requirements-dev.lock

down: ## take the test bed down
	@$(TESTBED) down

clean: down ## take the test bed down and remove what this checkout made
	rm -rf .venv .hypothesis .pytest_cache .mypy_cache .ruff_cache
