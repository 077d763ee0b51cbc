# Everything that people do here. Each verb installs what it needs, says what it is doing and how long it took.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

MACHINE := $(shell uname -m)
ARCHITECTURE := $(if $(filter aarch64 arm64,$(MACHINE)),arm64,x86_64)
# The image carries the functions for both of Lambda's architectures.
OTHER_MACHINE := $(if $(filter arm64,$(ARCHITECTURE)),x86_64,aarch64)
OTHER_ARCHITECTURE := $(if $(filter arm64,$(ARCHITECTURE)),x86_64,arm64)
BINARIES := target/$(MACHINE)-unknown-linux-musl/release
STEP := tests/tools/step
CARGO := tests/tools/cargo
IMAGE ?= photogallery-operator:dev

.PHONY: help demo up down check test bench bench-operator crash-matrix fuzz iam-minimal build generate image

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# WEATHER=calm|normal|storm|hostile: AWS on a bad day (docs/aws-weather.md), for demo and up.
SKY = $(if $(WEATHER),--weather $(WEATHER)) $(if $(WEATHER_SEED),--weather-seed $(WEATHER_SEED))

demo: build ## A gallery in your browser, everything local; Ctrl-C ends it
	@$(BINARIES)/local demo $(SKY)

up: build ## The same in the background; again after a change. Then: . .local/env
	@$(BINARIES)/local up $(SKY)

down: ## Stop what `make up` started and remove what it left
	@if [ -x $(BINARIES)/local ]; then $(BINARIES)/local down; else echo "nothing is running"; fi

check: ## Format, lints and unit tests: what needs no cluster
	@tests/tools/run-tests check

test: ## Everything, with a real API server, a local AWS and a browser
	@tests/tools/run-tests all

bench: ## Thumbnails against libvips and sharp, functions against boto3; renews their tables in docs/benchmarks.md (about 15 minutes)
	@tests/tools/bench

# COUNT=5000 SEED=7 for others, COUNT=1 SEED=n for one again; GUIDED=600 for that many seconds of libFuzzer.
fuzz: ## Break a million files that strangers might send (about 10 minutes)
	@tests/tools/fuzz $(if $(GUIDED),guided $(GUIDED))

crash-matrix: build ## Kill the operator at every step; renews the table in docs/reliability.md (about 25 minutes)
	@$(BINARIES)/local crash-matrix

bench-operator: build ## The operator beside a boto3 script; renews its tables in docs/benchmarks.md (about 10 minutes)
	@$(BINARIES)/local bench-operator $(if $(QUICK),--quick)

iam-minimal: build ## Take each action from the operator's policy in turn and see it missed (about 6 minutes)
	@$(BINARIES)/local iam-minimal

build: ## Operator, functions and page, and the tools to run them
	@$(STEP) "Rust toolchain" tests/tools/rust
	@$(STEP) "control plane tools (about 10 minutes the first time, then never again)" tests/tools/control-plane
	@$(STEP) "Rust binaries (about 10 minutes the first time)" $(CARGO) zigbuild --workspace --bins
	@$(STEP) "function zips for $(ARCHITECTURE)" \
		$(BINARIES)/package-functions --arch $(ARCHITECTURE) --binaries $(BINARIES) --out target/functions
	@$(STEP) "page" tests/tools/site

generate: ## Renew the checked-in generated files
	@$(STEP) "Rust binaries" $(CARGO) zigbuild --workspace --bins
	@$(STEP) "CRD" $(BINARIES)/crdgen
	@$(STEP) "counts of instructions" env UPDATE_GENERATED=1 PYTHONDONTWRITEBYTECODE=1 \
		python3 -m unittest discover --start-directory tests/instructions
	@$(STEP) "graph and snapshots" env UPDATE_GENERATED=1 INSTA_UPDATE=always $(CARGO) test --workspace --lib --bins --test '[!e]*'

image: build ## The operator's container image, IMAGE=photogallery-operator:dev
	@TARGET=$(OTHER_MACHINE)-unknown-linux-musl $(STEP) "Rust target $(OTHER_MACHINE)" tests/tools/rust
	@TARGET=$(OTHER_MACHINE)-unknown-linux-musl $(STEP) "Rust binaries for $(OTHER_MACHINE)" \
		$(CARGO) zigbuild --workspace --bins
	@$(STEP) "function zips for $(OTHER_ARCHITECTURE)" $(BINARIES)/package-functions --arch $(OTHER_ARCHITECTURE) \
		--binaries target/$(OTHER_MACHINE)-unknown-linux-musl/release --out target/functions
	@$(STEP) "image $(IMAGE)" docker build --tag $(IMAGE) .
