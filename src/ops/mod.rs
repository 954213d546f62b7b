//! Validate, plan, apply, destroy, refresh, import: wires the rooms together.
