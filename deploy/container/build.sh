#!/bin/sh
# Builds the program as it is released, with the dependencies of Cargo.lock and no others.
set -eu
exec cargo build --release --locked --package dimseway
