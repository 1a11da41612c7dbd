//! The key that access tokens are signed with: from the configuration, or made once and kept in the data directory.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use secrecy::SecretString;

use super::secret;

const FILE: &str = "signing.key";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// The file cannot be read or made.
    #[error("cannot read or make the signing key {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file has been cut, or somebody wrote something else there.
    #[error("{path} holds less than 32 bytes: restore it, or delete it to end all sessions")]
    TooShort {
        /// Which file.
        path: PathBuf,
    },
    /// There is no randomness to make a key of.
    #[error("cannot make a signing key")]
    Random(#[source] getrandom::Error),
}

/// The key kept in `data_dir`, made now if there is none yet.
///
/// Servers may start together on one directory; all of them get the same key. Each writes its own candidate in full
/// and then links it to the final name, which succeeds for exactly one, and nobody ever sees half a key.
///
/// # Errors
///
/// When the file cannot be read or made, or does not hold a key.
pub fn load_or_create(data_dir: &Path) -> Result<SecretString, SigningKeyError> {
    let path = data_dir.join(FILE);
    if !path.exists() {
        let key = secret::generate().map_err(SigningKeyError::Random)?;
        create(&path, &key).map_err(|source| SigningKeyError::File { path: path.clone(), source })?;
    }
    let key = fs::read_to_string(&path);
    let key = key.map_err(|source| SigningKeyError::File { path: path.clone(), source })?;
    let key = key.trim();
    if key.len() < 32 {
        return Err(SigningKeyError::TooShort { path });
    }
    Ok(key.into())
}

fn create(path: &Path, key: &str) -> io::Result<()> {
    if let Some(data_dir) = path.parent() {
        fs::create_dir_all(data_dir)?;
    }
    let candidate = path.with_extension(format!("{:016x}.new", fastrand::u64(..)));
    let mut file = owner_only().write(true).create_new(true).open(&candidate)?;
    file.write_all(key.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&candidate, path);
    fs::remove_file(&candidate)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn servers_that_start_together_share_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let start = std::sync::Barrier::new(8);
        let keys: Vec<String> = std::thread::scope(|scope| {
            let load = || {
                start.wait();
                load_or_create(dir.path()).unwrap().expose_secret().to_owned()
            };
            let servers: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
            servers.into_iter().map(|server| server.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key == &keys[0] && key.len() == 43));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no candidate is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        load_or_create(&dir.path().join("new")).unwrap();
        let mode = fs::metadata(dir.path().join("new").join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_cut_key_is_reported_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "short").unwrap();
        assert!(matches!(load_or_create(dir.path()), Err(SigningKeyError::TooShort { .. })));
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), "short");
    }
}
