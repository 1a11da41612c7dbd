//! [`CollectorLock`]: one collector at a time on one folder of data, whichever process it runs in. Two would ask the
//! exchange twice as fast as it allows.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Held for as long as it lives; the system takes it back from a process that died.
#[derive(Debug)]
pub struct CollectorLock {
    _file: File,
}

impl CollectorLock {
    /// Takes the lock, unless somebody has it.
    ///
    /// # Errors
    ///
    /// When the file cannot be made.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::create(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_it_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("candles.lock");
        let first = CollectorLock::take(&path).unwrap();
        assert!(first.is_some());
        assert!(CollectorLock::take(&path).unwrap().is_none());
        drop(first);
        assert!(CollectorLock::take(&path).unwrap().is_some());
        assert!(CollectorLock::take(&folder.path().join("no/such/folder")).is_err());
    }
}
