//! The integration tests: one binary, so that the crate is linked once.
//!
//! A new file of tests is one module here. What they share is under [`support`].

#[cfg(feature = "aws")]
mod aws_calls;
#[cfg(feature = "aws")]
mod aws_eks;
#[cfg(feature = "aws")]
mod aws_elasticache;
#[cfg(feature = "aws")]
mod aws_errors;
#[cfg(feature = "aws")]
mod aws_iam;
#[cfg(feature = "aws")]
mod aws_interrupt;
#[cfg(feature = "aws")]
mod aws_network;
#[cfg(feature = "aws")]
mod aws_parallelism;
#[cfg(feature = "aws")]
mod aws_provider;
#[cfg(feature = "aws")]
mod aws_rds;
#[cfg(feature = "aws")]
mod aws_s3;
#[cfg(feature = "aws")]
mod aws_unsettled;
mod backends;
mod bad_input;
#[cfg(feature = "aws")]
mod canary;
mod cli;
mod cli_folders;
mod cli_json;
mod cli_plan_json;
mod cli_questions;
mod cli_terminal;
mod conformance_expressions;
mod conformance_plans;
mod console;
mod driver_conformance;
mod fuzzed;
mod graph;
#[cfg(all(feature = "aws", feature = "kill-points"))]
mod kill_points;
mod language;
mod own_files;
mod plan_files;
mod planner;
mod properties;
mod provisioners_local;
mod provisioners_remote;
mod reference;
mod spec_load;
mod spellings;
mod state_commands;
mod state_damage;
mod state_encryption;
mod state_history;
mod state_lock;
mod state_repair;
mod state_rows;
mod state_scopes;
mod state_store;
mod state_tfstate;
mod support;
mod support_checks;
#[cfg(feature = "aws")]
mod three_tier;
#[cfg(feature = "aws")]
mod three_tier_sandbox;
mod tidy;
