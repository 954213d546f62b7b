//! Opens ephemeral resources for the steps that use them, and closes them when the run ends.

use std::time::{Duration, Instant};

use super::event::{Event, Verb};
use super::steps::{Ended, Shared};
use crate::model::{Address, Diagnostic, Diagnostics, Marks, Mode, Object, Veil};
use crate::plan::Planned;
use crate::plan::data::marked;
use crate::plan::resume::{Opening, Schemas};
use crate::provider::ephemeral::Held;
use crate::provider::{Operation, Progress, ProviderError};

/// How long opening or closing may take.
const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Everything that opening needs, as far as it is known by now.
pub fn prepare(
    planned: &Planned,
    shared: &Shared,
    (module, resource, position): (u32, u32, u32),
) -> Result<Opening, Diagnostics> {
    let cloud = &shared.cloud;
    let schemas = Schemas {
        provider: &|name| cloud.provider_schema(name),
        ephemeral: &|name, ty| cloud.schema(name, Mode::Ephemeral, ty),
    };
    planned.world.opening(module, resource, position, &schemas)
}

/// Opens it and tells how that went.
pub async fn open(opening: Opening, shared: Shared) -> Ended {
    let (address, began) = (opening.address.clone(), Instant::now());
    shared.observer.tell(Event::Started { address: address.clone(), deposed: None, verb: Verb::Open, id: None });
    let ended = try_open(opening, &shared).await.unwrap_or_else(Ended::Failed);
    let (verb, elapsed) = (Verb::Open, began.elapsed());
    shared.observer.tell(match &ended {
        Ended::Failed(problem) => Event::Failed { address, verb, elapsed, message: problem.summary.clone() },
        _ => Event::Done { address, deposed: None, verb, id: None, elapsed },
    });
    ended
}

async fn try_open(opening: Opening, shared: &Shared) -> Result<Ended, Diagnostic> {
    let Opening { address, provider, schema, config } = opening;
    let connection = shared.cloud.connect(&provider).await?;
    let (observer, waiting) = (shared.observer.clone(), address.clone());
    let progress = Progress::new(move |what: &str| {
        observer.tell(Event::Waiting { address: waiting.clone(), what: what.to_string() });
    });
    let op = Operation { address: address.clone(), timeout: TIMEOUT, cancel: shared.abort.clone(), progress };
    let bare = config.unmark_deep().0;
    let opened = connection.open_ephemeral(address.ty(), &Object::new(&bare), &op).await;
    let veil = || Veil::of_object(&config, &schema.block);
    let opened = opened.map_err(|error| veil().diagnostic(problem(&address, "was not opened", &error)))?;
    let value = marked(opened.object.value(), &config, &schema).mark(Marks::EPHEMERAL);
    Ok(Ended::Opened(value, Box::new(Held::new(connection, opened.hold, op))))
}

/// Closes what is open, the last first. What fails is a warning: it runs out by itself.
pub async fn close_all(held: Vec<Held>, shared: &Shared) -> Diagnostics {
    let mut problems = Diagnostics::new();
    for one in held.into_iter().rev() {
        let (address, began) = (one.address.clone(), Instant::now());
        shared.observer.tell(Event::Started { address: address.clone(), deposed: None, verb: Verb::Close, id: None });
        let closed = one.close().await;
        let (verb, elapsed) = (Verb::Close, began.elapsed());
        shared.observer.tell(match closed {
            Ok(()) => Event::Done { address, deposed: None, verb, id: None, elapsed },
            Err(error) => {
                let problem = problem(&address, "was not closed", &error);
                let message = problem.summary.clone();
                problems.push(Diagnostic { severity: crate::model::Severity::Warning, ..problem });
                Event::Failed { address, verb, elapsed, message }
            }
        });
    }
    problems
}

fn problem(address: &Address, what: &str, error: &ProviderError) -> Diagnostic {
    let told = Diagnostic::error(format!("{address} {what}")).address(address.clone()).detail(error.to_string());
    match &error.help {
        Some(help) => told.help(help.clone()),
        None => told,
    }
}
