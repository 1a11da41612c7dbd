//! [`Thread`]: one thread with a runtime of its own.
//!
//! A server that is busy writing has ten thousand sockets in its run queue, and whoever waits for anything waits
//! behind all of them: with a dozen steps to a database transaction, that was a second per batch. What must not wait
//! runs here, and the operating system shares the core between both.

use std::future::Future;
use std::io;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// A thread and its tasks; both end when this is dropped.
pub(crate) struct Thread(Option<Runtime>);

impl Thread {
    /// Starts a thread of this name.
    pub(crate) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a task, and whatever it spawns, on this thread. `None` once the thread is being ended.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<JoinHandle<T>> {
        self.0.as_ref().map(|runtime| runtime.spawn(task))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        // A runtime must not be waited for from within another.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
