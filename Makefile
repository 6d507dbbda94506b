# make test   installs what the tests need and runs all of them
# make lint   what CI denies: format, clippy, docs
# make bench  the figures that the README quotes
.PHONY: test lint bench demo

# Real servers for the end-to-end tests; Debian's packages.
PACKAGES := prometheus prometheus-alertmanager

test: packages
	cargo test --workspace --no-fail-fast

packages:
	@sh tests/install-packages.sh $(PACKAGES)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

bench:
	cargo bench --workspace

demo:
	cargo run --release -- demo
