//! The backends, each against a real server: one suite for all of them.

/// A test of a duty for each of these backends.
macro_rules! beds {
    ($duty:ident: $($bed:ident),*) => {
        mod $duty {$(
            #[test]
            fn $bed() {
                super::$duty(&super::super::beds::$bed());
            }
        )*}
    };
}

pub mod beds;
mod command;
mod cut;
mod damage;
mod folder;
mod holders;
mod journals;
mod outage;
pub mod sealing;
mod suite;
