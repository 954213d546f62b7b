//! What changes, why, and the exact steps. Pure: no clock, no environment, no files, no network.
