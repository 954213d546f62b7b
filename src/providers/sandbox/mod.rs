//! One embedded, stateful, schema-driven simulated cloud in the place of every provider.
