//! Records what the outside answered while a plan was made. The planner is pure, so the same answers give the
//! same plan: a saved plan is the record, not a copy of everything in memory.

use std::sync::Arc;

use super::providers::Asking;
use crate::model::{Diagnostic, Mode, Path, Schema, Str, Value};
use crate::plan::Options;
use crate::plan::outside::{Answer, Outside, ProviderInstance, Refined, Refreshed, Request};

/// What a plan was made from besides the configuration and the state.
#[derive(Clone, Debug, Default)]
pub struct Record {
    pub options: Options,
    /// The answers, batch by batch, in the order of the questions.
    pub batches: Vec<Vec<Answer>>,
}

/// Answers the planner: by asking and noting what came back, or from a record.
pub struct Answering<'p> {
    asking: Asking<'p>,
    source: Source,
}

enum Source {
    Ask { noted: Vec<Vec<Answer>> },
    Replay { left: std::vec::IntoIter<Vec<Answer>> },
}

impl<'p> Answering<'p> {
    /// Asks, and notes the answers.
    pub fn recording(asking: Asking<'p>) -> Self {
        Answering { asking, source: Source::Ask { noted: Vec::new() } }
    }

    /// Asks nobody.
    pub fn replaying(asking: Asking<'p>, record: &Record) -> Self {
        Answering { asking, source: Source::Replay { left: record.batches.clone().into_iter() } }
    }

    /// The answers that were noted; of a replay those that nobody asked for.
    pub fn into_record(self, options: Options) -> Record {
        let batches = match self.source {
            Source::Ask { noted } => noted,
            Source::Replay { left } => left.collect(),
        };
        Record { options, batches }
    }
}

impl Outside for Answering<'_> {
    fn schema(&self, provider: &Str, mode: Mode, ty: &str) -> Option<Arc<Schema>> {
        self.asking.schema(provider, mode, ty)
    }

    fn provider_schema(&self, provider: &Str) -> Option<Arc<Schema>> {
        self.asking.provider_schema(provider)
    }

    fn provider_source(&self, provider: &Str) -> Str {
        self.asking.provider_source(provider)
    }

    fn refine(
        &self,
        provider: &ProviderInstance,
        ty: &str,
        prior: &Value,
        config: &Value,
        planned: Value,
        replace: Vec<Path>,
    ) -> Refined {
        self.asking.refine(provider, ty, prior, config, planned, replace)
    }

    fn move_object(&self, provider: &Str, from: &str, to: &str, object: &Value) -> Option<Value> {
        self.asking.move_object(provider, from, to, object)
    }

    fn answer(&mut self, requests: Vec<Request>) -> Vec<Answer> {
        match &mut self.source {
            Source::Ask { noted } => {
                let answers = self.asking.answer(requests);
                noted.push(answers.clone());
                answers
            }
            Source::Replay { left } => {
                let mut recorded = left.next().unwrap_or_default().into_iter();
                requests.iter().map(|request| recorded.next().unwrap_or_else(|| missing(request))).collect()
            }
        }
    }
}

/// The record ended too early: the file was changed by hand.
fn missing(request: &Request) -> Answer {
    let problem = || Diagnostic::error("the saved plan lacks an answer").help("make a new plan");
    match request {
        Request::Refresh { objects, .. } => {
            Answer::Refreshed(objects.iter().map(|_| Refreshed::Failed(problem())).collect())
        }
        Request::ReadData { .. } => Answer::Data(Err(problem())),
        Request::Open { .. } => Answer::Opened(Err(problem())),
        Request::Import { .. } => Answer::Imported(Err(problem())),
    }
}
