//! The register of open sockets and what each is subscribed to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

/// The register. A clone is the same register.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    register: Arc<Mutex<Register>>,
}

#[derive(Debug, Default)]
struct Register {
    /// Sockets ever let in, which also numbers them.
    total: u64,
    /// The codes of each open socket.
    open: BTreeMap<u64, Vec<String>>,
}

/// A socket's entry, for as long as the socket lives.
#[derive(Debug)]
pub(crate) struct Seat {
    connections: Connections,
    number: u64,
}

impl Connections {
    pub(crate) fn join(&self) -> Seat {
        let mut register = self.register.lock();
        register.total += 1;
        let number = register.total;
        register.open.insert(number, Vec::new());
        Seat { connections: self.clone(), number }
    }

    pub(crate) fn open(&self) -> usize {
        self.register.lock().open.len()
    }

    pub(crate) fn total(&self) -> u64 {
        self.register.lock().total
    }

    /// The codes that anybody is subscribed to, sorted.
    pub(crate) fn codes(&self) -> Vec<String> {
        let register = self.register.lock();
        let union: BTreeSet<&String> = register.open.values().flatten().collect();
        union.into_iter().cloned().collect()
    }
}

impl Seat {
    /// Puts `codes` in the place of what this socket was subscribed to.
    pub(crate) fn subscribe(&self, codes: Vec<String>) {
        self.connections.register.lock().open.insert(self.number, codes);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.register.lock().open.remove(&self.number);
    }
}
