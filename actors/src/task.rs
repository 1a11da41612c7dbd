//! [`Task`]: a task that ends with whoever started it.

use std::future::Future;
use tokio::task::JoinHandle;

/// A task that is aborted when this is dropped, as with the state of an actor that dies.
pub(crate) struct Task(JoinHandle<()>);

impl Task {
    /// Runs `work`, and `otherwise` if it ends in any other way than by returning: an actor that waits for what a
    /// task brings must hear that it never will.
    pub(crate) fn spawn(
        work: impl Future<Output = ()> + Send + 'static,
        otherwise: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self(tokio::spawn(async move {
            let mut guard = Guard(Some(otherwise));
            work.await;
            guard.0 = None;
        }))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Guard<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Guard<F> {
    fn drop(&mut self) {
        if let Some(otherwise) = self.0.take() {
            otherwise();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[tokio::test]
    async fn only_a_task_that_does_not_return_is_told_of() {
        let (told, hear) = channel();
        let task = |work: fn(), told: &std::sync::mpsc::Sender<&'static str>, what| {
            let told = told.clone();
            Task::spawn(async move { work() }, move || told.send(what).unwrap())
        };
        let tasks = [task(|| {}, &told, "returned"), task(|| panic!("as it should"), &told, "panicked")];
        while tasks.iter().any(|task| !task.0.is_finished()) {
            tokio::task::yield_now().await;
        }
        drop(told);
        assert_eq!(hear.iter().collect::<Vec<_>>(), ["panicked"]);
    }
}
