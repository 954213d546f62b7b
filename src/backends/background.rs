//! A runtime of its own for backends that wait for a network, so that stores can be used from any thread.

use std::sync::mpsc;

use crate::state::StateError;

/// A thread that runs what backends wait for.
pub struct Background(Option<tokio::runtime::Runtime>);

impl Background {
    pub fn start() -> Result<Background, StateError> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        match builder.worker_threads(1).thread_name("backend").enable_all().build() {
            Ok(runtime) => Ok(Background(Some(runtime))),
            Err(error) => Err(StateError::from_io(std::path::Path::new("backend"), &error)),
        }
    }

    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(work);
        }
    }

    /// Runs something to its end while this thread waits.
    pub fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, StateError>> + Send + 'static,
    ) -> Result<T, StateError> {
        let (answer, answered) = mpsc::channel();
        self.spawn(async move {
            // The receiver waits below.
            let _ = answer.send(work.await);
        });
        answered.recv().unwrap_or_else(|_| Err(StateError::WriterStopped { path: "backend".into() }))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may be dropped on a thread of another runtime, which must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
