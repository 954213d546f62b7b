//! The dependency graph of a spec: build, order, cycles.
