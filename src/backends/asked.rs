//! A store that asks a task: requests go through a queue, answers come back one by one.

use std::sync::mpsc as blocking;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::background::Background;
use crate::model::Str;
use crate::state::{
    Acquired, Answer, Change, Generation, Intent, Lease, LeaseRequest, Past, Snapshot, StateError, Store,
};

/// The most commits that are written together: more would make the first wait too long.
const GROUP: usize = 1024;

pub type Reply<T> = oneshot::Sender<Result<T, StateError>>;

/// Commits that waited at the same time.
pub type Group = Vec<(Vec<Change>, Reply<()>)>;

/// What a store is asked.
enum Request {
    Commit(Vec<Change>, Reply<()>),
    Snapshot(Reply<Snapshot>),
    Intents(Reply<Vec<Intent>>),
    Acquire(LeaseRequest, Reply<Acquired>),
    Renew(Duration, Reply<Lease>),
    Release(Reply<()>),
    Leases(Reply<Vec<Lease>>),
    ForceUnlock(Str, Reply<Lease>),
    Flush(Reply<()>),
    SealingIsDue(Reply<bool>),
    Generations(Reply<Vec<Generation>>),
    Past(u64, Reply<Option<Past>>),
}

/// The requests of a store, commits in groups.
pub struct Queue {
    waiting: UnboundedReceiver<Request>,
    /// What came behind a group.
    next: Option<Request>,
}

enum Next {
    Commits(Group),
    Other(Request),
}

/// What answers a store's requests, in order.
#[async_trait]
pub trait Serve: Send {
    /// Makes the commits of a group, and replies to each.
    async fn commit(&mut self, group: Group);
    async fn snapshot(&mut self) -> Result<Snapshot, StateError>;
    async fn intents(&mut self) -> Result<Vec<Intent>, StateError>;
    async fn acquire(&mut self, request: LeaseRequest) -> Result<Acquired, StateError>;
    async fn renew(&mut self, term: Duration) -> Result<Lease, StateError>;
    async fn release(&mut self) -> Result<(), StateError>;
    async fn leases(&mut self) -> Result<Vec<Lease>, StateError>;
    async fn force_unlock(&mut self, id: &str) -> Result<Lease, StateError>;
    async fn flush(&mut self) -> Result<(), StateError>;
    async fn sealing_is_due(&mut self) -> Result<bool, StateError>;
    async fn generations(&mut self) -> Result<Vec<Generation>, StateError>;
    async fn past(&mut self, serial: u64) -> Result<Option<Past>, StateError>;
}

/// Works until nobody can ask any more, then gives up the lock.
pub async fn serve(mut task: impl Serve, mut queue: Queue) {
    while let Some(next) = queue.next().await {
        match next {
            Next::Commits(group) => task.commit(group).await,
            Next::Other(request) => answer(&mut task, request).await,
        }
    }
    // A lock that cannot be given up now expires.
    let _released = task.release().await;
}

async fn answer(task: &mut impl Serve, request: Request) {
    // Nobody waits any more: fine, in each case.
    match request {
        Request::Commit(changes, reply) => task.commit(vec![(changes, reply)]).await,
        Request::Snapshot(reply) => drop(reply.send(task.snapshot().await)),
        Request::Intents(reply) => drop(reply.send(task.intents().await)),
        Request::Acquire(request, reply) => drop(reply.send(task.acquire(request).await)),
        Request::Renew(term, reply) => drop(reply.send(task.renew(term).await)),
        Request::Release(reply) => drop(reply.send(task.release().await)),
        Request::Leases(reply) => drop(reply.send(task.leases().await)),
        Request::ForceUnlock(id, reply) => drop(reply.send(task.force_unlock(&id).await)),
        Request::Flush(reply) => drop(reply.send(task.flush().await)),
        Request::SealingIsDue(reply) => drop(reply.send(task.sealing_is_due().await)),
        Request::Generations(reply) => drop(reply.send(task.generations().await)),
        Request::Past(serial, reply) => drop(reply.send(task.past(serial).await)),
    }
}

impl Queue {
    /// The next request; nothing when nobody can ask any more.
    async fn next(&mut self) -> Option<Next> {
        let first = match self.next.take() {
            Some(request) => request,
            None => self.waiting.recv().await?,
        };
        let Request::Commit(changes, reply) = first else { return Some(Next::Other(first)) };
        let mut group = vec![(changes, reply)];
        while group.len() < GROUP {
            match self.waiting.try_recv() {
                Ok(Request::Commit(changes, reply)) => group.push((changes, reply)),
                Ok(other) => {
                    self.next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(Next::Commits(group))
    }
}

/// Tells each commit of a group what became of it.
pub fn reply(replies: Vec<Reply<()>>, results: Result<Vec<Result<(), StateError>>, StateError>) {
    let results = match results {
        Ok(results) => results,
        Err(error) => replies.iter().map(|_| Err(error.clone())).collect(),
    };
    for (reply, result) in replies.into_iter().zip(results) {
        // Nobody waits any more: the changes are made all the same.
        let _ = reply.send(result);
    }
}

/// The asking side. Dropping it waits for what is under way; the task gives up the lock.
pub struct Asked {
    place: String,
    requests: Option<UnboundedSender<Request>>,
    end: Mutex<blocking::Receiver<()>>,
    _background: Arc<Background>,
}

impl Asked {
    /// Starts a task that works until its queue ends. `place` is for messages.
    pub fn start<F: Future<Output = ()> + Send + 'static>(
        background: &Arc<Background>,
        place: String,
        task: impl FnOnce(Queue) -> F,
    ) -> Asked {
        let (requests, waiting) = unbounded_channel();
        let (ended, end) = blocking::channel();
        let work = task(Queue { waiting, next: None });
        background.spawn(async move {
            work.await;
            // The store may have gone without waiting.
            let _ = ended.send(());
        });
        Asked { place, requests: Some(requests), end: Mutex::new(end), _background: background.clone() }
    }

    fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Answer<T> {
        let (reply, answer) = Answer::channel(self.place.clone().into());
        // Where the task has stopped, the reply is dropped with the request, which is the answer.
        let _ = self.requests.as_ref().map(|to| to.send(request(reply)));
        answer
    }
}

impl Store for Asked {
    fn snapshot(&self) -> Answer<Snapshot> {
        self.ask(Request::Snapshot)
    }

    fn commit(&self, changes: Vec<Change>) -> Answer<()> {
        self.ask(|reply| Request::Commit(changes, reply))
    }

    fn open_intents(&self) -> Answer<Vec<Intent>> {
        self.ask(Request::Intents)
    }

    fn try_acquire(&self, request: LeaseRequest) -> Answer<Acquired> {
        self.ask(|reply| Request::Acquire(request, reply))
    }

    fn renew(&self, term: Duration) -> Answer<Lease> {
        self.ask(|reply| Request::Renew(term, reply))
    }

    fn release(&self) -> Answer<()> {
        self.ask(Request::Release)
    }

    fn leases(&self) -> Answer<Vec<Lease>> {
        self.ask(Request::Leases)
    }

    fn force_unlock(&self, id: Str) -> Answer<Lease> {
        self.ask(|reply| Request::ForceUnlock(id, reply))
    }

    fn flush(&self) -> Answer<()> {
        self.ask(Request::Flush)
    }

    fn sealing_is_due(&self) -> Answer<bool> {
        self.ask(Request::SealingIsDue)
    }

    fn generations(&self) -> Answer<Vec<Generation>> {
        self.ask(Request::Generations)
    }

    fn past(&self, serial: u64) -> Answer<Option<Past>> {
        self.ask(|reply| Request::Past(serial, reply))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.requests = None;
        // An error means that the task is gone, which is what is waited for.
        let _ = self.end.get_mut().unwrap_or_else(PoisonError::into_inner).recv();
    }
}
