//! [`Observed`]: the state an actor shows to tests and operators.
//!
//! The actor writes its view after each step; anyone may read it without a message, so a busy or dead actor
//! cannot keep a health check waiting.

use parking_lot::Mutex;
use std::sync::Arc;

/// A snapshot that one actor keeps up to date and others read.
#[derive(Debug, Default)]
pub struct Observed<S>(Arc<Mutex<S>>);

impl<S> Clone for Observed<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Clone> Observed<S> {
    /// What the actor last showed.
    pub fn get(&self) -> S {
        self.0.lock().clone()
    }

    /// Changes what is shown.
    pub fn update(&self, change: impl FnOnce(&mut S)) {
        change(&mut self.0.lock());
    }
}
