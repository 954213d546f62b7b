//! Terrane: a declarative infrastructure engine.
//!
//! The rooms, and who may know whom (`tests/it/tidy.rs` keeps it):
//!
//! - [`model`] is the vocabulary and imports nothing of ours.
//! - [`lang`], [`state`] and [`provider`] know `model`.
//! - [`spec`] knows `lang` and `model`.
//! - [`graph`] knows `spec`.
//! - [`plan`] knows `graph`, `spec`, `lang` and the state's types; it is pure.
//! - [`apply`] knows `plan`, `state` and the traits of `provider`.
//! - [`providers`] know `provider` and `model`, never each other, `plan`, `state` or `cli`.
//! - [`provisioners`] know `provider` and `model`.
//! - [`backends`] know `state`.
//! - [`render`] knows `model` and `plan`.
//! - [`ops`] wires the rooms together; [`cli`] alone prints, reads the environment, and exits.

pub mod apply;
pub mod backends;
pub mod cli;
pub mod graph;
pub mod lang;
pub mod model;
pub mod ops;
pub mod plan;
pub mod provider;
pub mod providers;
pub mod provisioners;
pub mod render;
pub mod spec;
pub mod state;
