# The commands of the project. `make` lists them.

PORT ?= 9000
TOOLS := .tools
PIP_INSTALL = $(TOOLS)/venv/bin/pip install --quiet --disable-pip-version-check

.PHONY: help run test lint advisories tools lint-tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: tools ## serve login and me on 127.0.0.1:$(PORT), and tell how to call them
	@PORT=$(PORT) scripts/run.sh

test: tools ## run all tests; no AWS account is needed
	cargo test --workspace --locked --no-fail-fast -- --nocapture

lint: lint-tools ## format, clippy, rustdoc, dependencies, templates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
	$(TOOLS)/bin/cargo-deny --locked check bans licenses sources
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam validate --lint --region us-east-1
	$(TOOLS)/venv/bin/cfn-lint template.yaml

advisories: $(TOOLS)/bin/cargo-deny ## check dependencies against RustSec's database, which it fetches
	$(TOOLS)/bin/cargo-deny --locked check advisories

tools: $(TOOLS)/cargo-lambda.stamp

lint-tools: $(TOOLS)/sam.stamp $(TOOLS)/bin/cargo-deny

clean: ## remove what was built and installed here
	rm -rf target .aws-sam $(TOOLS)

# A cargo-lambda that is already on the PATH is good enough.
$(TOOLS)/cargo-lambda.stamp: scripts/requirements-run.txt
	@if ! command -v cargo-lambda >/dev/null; then $(MAKE) --no-print-directory $(TOOLS)/bin/cargo-lambda; fi
	@mkdir -p $(TOOLS) && touch $@

$(TOOLS)/bin/cargo-lambda: $(TOOLS)/venv/bin/pip scripts/requirements-run.txt
	@echo "installing cargo-lambda into $(TOOLS)"
	@$(PIP_INSTALL) -r scripts/requirements-run.txt
	@mkdir -p $(TOOLS)/bin && ln -sf ../venv/bin/cargo-lambda $@

$(TOOLS)/sam.stamp: $(TOOLS)/venv/bin/pip scripts/requirements-lint.txt
	@echo "installing the SAM CLI and cfn-lint into $(TOOLS)"
	@$(PIP_INSTALL) -r scripts/requirements-lint.txt
	@touch $@

$(TOOLS)/bin/cargo-deny:
	@echo "building cargo-deny into $(TOOLS)"
	@cargo install --quiet --locked --root $(TOOLS) --version 0.20.2 cargo-deny

$(TOOLS)/venv/bin/pip:
	@python3 -m venv $(TOOLS)/venv || { echo "python3 cannot make a virtual environment: install Python's venv module (Debian: python3-venv)" >&2; exit 1; }
