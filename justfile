# List the commands.
[private]
default:
    @just --list --unsorted

# Build everything.
build:
    cargo build --workspace

# Run all tests.
test:
    .ci/run test

# Run the tests that need real engines, and start these for it.
engines:
    .ci/run engines

# Run the tests of the page.
web:
    .ci/run web

# Use the page in Chromium, as people do.
page:
    .ci/run page

# Take the pictures of docs/pictures anew.
pictures:
    cargo build
    tests/page/run pictures

# Listen to the server with the EventSource of Node programs.
stream:
    .ci/run stream

# Ask a running server whether it does what its OpenAPI document says.
api:
    .ci/run api

# Format the code.
fmt:
    cargo fmt --all

# Run clippy, warnings denied.
lint:
    .ci/run lint

# Build the documentation, warnings denied.
doc:
    .ci/run doc

# Check licences, advisories and sources of all dependencies.
deny:
    .ci/run deny

# Start, stop or list real engines for tests: `just services up|down|status|env`.
services *arguments:
    ops/services {{ arguments }}

# Run a server to look around in; arguments as for `tickroom demo`.
demo *arguments:
    cargo run --release -- demo {{ arguments }}

# Write tickroom.example.toml anew from the comments in src/config/raw.rs.
example-config:
    UPDATE=1 cargo test --package tickroom --lib the_example_is_current

# Everything that a change has to pass.
ci:
    .ci/run
