//! [`Task`]: a task that ends with whoever started it.

use std::future::Future;
use tokio::task::JoinHandle;

/// A task that is aborted when this is dropped, as with the state of an actor that dies.
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
