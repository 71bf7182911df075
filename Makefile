# Natter. `make run` opens it, `make test` checks all of it. Both install the Debian packages that are missing, and say
# so first; elsewhere they print what is needed. One feature set everywhere (--workspace), so that nothing builds twice.

# make run PROFILE=bob: a second person on the same machine, with a key and rooms of their own.
PROFILE ?= $(or $(NATTER_PROFILE),default)
SERVE_PORT ?= 0
SEEDS ?= 200
TALKS ?= 3000

.DEFAULT_GOAL := help
.PHONY: help deps deps-test run test sim fuzz bench lint fmt package

help:
	@echo 'make run      open Natter (PROFILE=bob for a second one beside it)'
	@echo 'make test     everything that CI runs'
	@echo 'make sim      many simulated nights (SEEDS=200; the long form: SEEDS=10000)'
	@echo 'make fuzz     nonsense said to a device at every stage of a link, and to every decoder (TALKS=3000)'
	@echo 'make bench    the numbers, beside PeerJS'
	@echo 'make lint     formatting, clippy, docs, cargo-deny if it is installed'
	@echo 'make fmt      format the Rust'
	@echo 'make package  .deb and .rpm'

# What building and running needs.
deps:
	@.ci/deps run

# And what the tests need on top.
deps-test:
	@.ci/deps run test

# The window; without a display, the same pages in a browser, at the address that is printed.
run: deps
	@if [ "$$(uname -s)" != Linux ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		cargo run --package natter -- --profile $(PROFILE); \
	else \
		echo 'No display here: Natter serves its pages to a browser instead.'; \
		cargo run --package natter-cli -- serve --profile $(PROFILE) --listen 127.0.0.1:$(SERVE_PORT); \
	fi

test: deps-test
	@.ci/test

# A package of its own, so that neither WebRTC nor the window is built. The long form: make sim SEEDS=10000.
sim:
	NATTER_SEEDS=$(SEEDS) cargo test --package natter-sim --test sim -- --nocapture walks

# CI hears 48 conversations, and each property 256 cases. One conversation again: NATTER_SEED=n.
fuzz:
	NATTER_TALKS=$(TALKS) cargo test --package natter-sim --test sim -- --nocapture conversation
	PROPTEST_CASES=$(TALKS) cargo test --package natter-engine --lib -- wire:: membership::

# SIZES=4,8 for a short form.
bench: deps-test
	cargo build --release --package natter-cli
	npm --prefix tests/ui ci --no-audit --no-fund --silent
	NATTER_CLI=target/release/natter-cli node tests/ui/bench/bench.mjs

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	@.ci/deny

fmt:
	cargo fmt --all

# The bundles land in target/release/bundle. The CLI comes from npm: its crate takes ten minutes to build.
package: deps
	npm exec --yes --package=@tauri-apps/cli@2.12.5 -- tauri build --bundles deb,rpm
