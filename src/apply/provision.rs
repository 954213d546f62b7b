//! Provisioners of a step: asked for one by one, because each is evaluated when the one before has ended.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::event::Event;
use super::steps::{Shared, Task};
use crate::model::{Address, Diagnostic, Diagnostics, Object, Str, Value};
use crate::plan::{Moment, Planned, Provision};
use crate::provider::{Job, Output};

/// A step asks for a provisioner of its object; who owns the values answers.
pub struct Question {
    change: u32,
    moment: Moment,
    number: usize,
    /// What `self` means.
    this: Value,
    reply: oneshot::Sender<Option<Result<Provision, Diagnostics>>>,
}

impl Question {
    /// Evaluates the provisioner with what is known now.
    pub fn answer(self, planned: &Planned) {
        let change = planned.plan.changes.get(self.change as usize);
        let found = change.and_then(|c| planned.world.provision(c, self.moment, self.number, &self.this));
        // A step that was given up waits for no answer.
        let _gone = self.reply.send(found);
    }
}

impl Task {
    /// Runs the provisioners of the step's moment, in the order of the configuration. The first that fails, and is
    /// not allowed to, ends it.
    pub(super) async fn provision(&self, shared: &Shared, this: &Value) -> Result<(), Diagnostic> {
        let Some(moment) = self.provisions else { return Ok(()) };
        for number in 0.. {
            let (reply, answer) = oneshot::channel();
            let question = Question { change: self.change, moment, number, this: this.clone(), reply };
            if shared.ask.send(question).is_err() {
                return Ok(());
            }
            match answer.await.ok().flatten() {
                None => return Ok(()),
                Some(Ok(provision)) => self.run_one(shared, provision).await?,
                Some(Err(problems)) => return Err(first(problems, &self.address)),
            }
        }
        Ok(())
    }

    async fn run_one(&self, shared: &Shared, provision: Provision) -> Result<(), Diagnostic> {
        let (address, provisioner) = (self.address.clone(), provision.ty.clone());
        shared.observer.tell(Event::Provisioning { address: address.clone(), provisioner: provisioner.clone() });
        let observer = shared.observer.clone();
        let line = move |line: &str, address: &Address, provisioner: &Str| Event::Provisioned {
            address: address.clone(),
            provisioner: provisioner.clone(),
            line: line.to_string(),
        };
        let veil = Arc::new(provision.veil);
        let hide = veil.clone();
        let output = Output::new(move |text| observer.tell(line(&hide.text(text), &address, &provisioner)));
        let job = Job {
            ty: provision.ty.clone(),
            config: Object::new(&provision.config),
            connection: provision.connection.as_ref().map(Object::new),
            secret: provision.secret,
            output: output.clone(),
            cancel: shared.abort.clone(),
        };
        let Err(error) = shared.provisioner.provision(job).await else { return Ok(()) };
        if provision.continue_on_failure && !shared.abort.is_cancelled() {
            output.tell(&format!("failed, which on_failure allows: {error}"));
            return Ok(());
        }
        let what = format!("the provisioner \"{}\" of {} failed", provision.ty, self.address);
        let problem = Diagnostic::error(what).at(provision.span).address(self.address.clone()).detail(error.message);
        Err(veil.diagnostic(match error.help {
            Some(help) => problem.help(help),
            None => problem,
        }))
    }
}

/// One problem stands for all: the others follow from the same expression.
fn first(problems: Diagnostics, address: &Address) -> Diagnostic {
    let found = problems.into_iter().find(Diagnostic::is_error);
    found.unwrap_or_else(|| Diagnostic::error("a provisioner cannot be evaluated").address(address.clone()))
}
