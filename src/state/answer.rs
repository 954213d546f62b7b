//! The answer of a store that works in the background: await it, or wait for it.

use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use super::StateError;

/// What a [`super::Store`] promises. The work is under way whether or not anybody waits for it.
#[must_use = "whether it worked is only known after waiting"]
pub struct Answer<T> {
    receiver: oneshot::Receiver<Result<T, StateError>>,
    path: PathBuf,
}

impl<T> Answer<T> {
    /// An answer, and where to put it. The path is for the message when nobody ever does.
    pub fn channel(path: PathBuf) -> (oneshot::Sender<Result<T, StateError>>, Answer<T>) {
        let (sender, receiver) = oneshot::channel();
        (sender, Answer { receiver, path })
    }

    /// An answer that is known already.
    pub fn ready(result: Result<T, StateError>) -> Answer<T> {
        let (sender, answer) = Answer::channel(PathBuf::new());
        // The receiver is right here.
        let _ = sender.send(result);
        answer
    }

    /// Blocks the thread until the answer is there. Not for async code.
    pub fn wait(self) -> Result<T, StateError> {
        futures::executor::block_on(self)
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, StateError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.receiver).poll(cx);
        polled.map(|r| r.unwrap_or_else(|_| Err(StateError::WriterStopped { path: self.path.clone() })))
    }
}
