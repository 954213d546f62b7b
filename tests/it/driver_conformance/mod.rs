//! What every driver must do, whatever it drives: one suite over the driver contract, run over every builtin
//! type and over every type of every provider in the sandbox. It takes any connection, so drivers of real clouds
//! are held to the same.

mod cases;
mod generated;
pub mod suite;
