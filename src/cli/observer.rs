//! Tells the progress of an apply as its events come in.

use std::io::Stdout;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::progress::Progress;
use crate::apply::{Event, Observer, Verb};
use crate::render::Style;
use crate::render::progress_text::Doing;

pub struct Lines(Mutex<Progress<Stdout>>);

impl Lines {
    /// `total` is how many steps there are, where that is known.
    pub fn new(style: Style, live: bool, total: Option<usize>) -> Arc<Lines> {
        Arc::new(Lines(Mutex::new(Progress::new(std::io::stdout(), style, live, total))))
    }

    /// For what is read while a plan is made.
    pub fn reading(style: Style, live: bool) -> Arc<Lines> {
        Arc::new(Lines(Mutex::new(Progress::reading(std::io::stdout(), style, live))))
    }

    /// Lets time pass until the run ends.
    pub fn tick(self: &Arc<Self>, runtime: &tokio::runtime::Handle) {
        let lines = Arc::downgrade(self);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(200)).await;
                let Some(lines) = lines.upgrade() else { return };
                // A reader that went away is no failure of the apply.
                let _written = lines.lock().tick(Instant::now());
            }
        });
    }

    pub fn finish(&self) {
        let _written = self.lock().finish();
    }

    fn lock(&self) -> MutexGuard<'_, Progress<Stdout>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Lines {
    fn tell(&self, event: Event) {
        let now = Instant::now();
        let mut progress = self.lock();
        let _written = match event {
            Event::Started { address, verb, id, .. } => progress.started(&address, doing(verb), id.as_deref(), now),
            Event::Waiting { address, what } => progress.waiting(&address, &what, now),
            Event::Provisioning { address, provisioner } => progress.provisioning(&address, &provisioner, now),
            Event::Provisioned { address, provisioner, line } => {
                progress.provisioned(&address, &provisioner, &line, now)
            }
            Event::Done { address, id, .. } => progress.done(&address, id.as_deref(), now),
            Event::Failed { address, .. } => progress.failed(&address, now),
        };
    }
}

/// Tells several what happens.
pub struct All(pub Vec<Arc<dyn Observer>>);

impl Observer for All {
    fn tell(&self, event: Event) {
        for observer in &self.0 {
            observer.tell(event.clone());
        }
    }
}

pub fn doing(verb: Verb) -> Doing {
    match verb {
        Verb::Create => Doing::Create,
        Verb::Update => Doing::Update,
        Verb::Delete => Doing::Delete,
        Verb::Read => Doing::Read,
        Verb::Refresh => Doing::Refresh,
        Verb::Forget => Doing::Forget,
        Verb::Import => Doing::Import,
        Verb::Open => Doing::Open,
        Verb::Close => Doing::Close,
    }
}
