//! What every driver must do, whatever it drives: one suite over the driver contract, run over every builtin
//! type, over every type of every provider in the sandbox, and over every type of AWS against test servers.

#[cfg(feature = "aws")]
mod aws;
mod cases;
mod generated;
pub mod suite;
