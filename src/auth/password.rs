//! Passwords: what counts as one, and argon2id beside the runtime instead of on it.
//!
//! A hash is made to be expensive, which makes login the cheapest way to exhaust a server. So hashes run on blocking
//! threads, a few at once; a few more may wait, and the rest are refused at the door. The places are held by the
//! work, not by the request: a client that hangs up does not make room for another hash while its own still runs.

mod common;

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version,
    password_hash::{self, SaltString},
};
use secrecy::{ExposeSecret, SecretString};
use tickroom_storage::user::{Email, UserName};
use tokio::sync::Semaphore;

use super::secret::random_bytes;
use crate::{
    error::{ApiError, Violation},
    limits::{PASSWORD_BYTES_MAX, PASSWORD_CHARS, password_hashes_running},
};

/// A password that somebody may choose. Any characters will do, and no kinds of them are asked for: length is what
/// counts, and that it is not what everybody tries (NIST SP 800-63B section 3.1.1.2).
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Not a password that one may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too easy to guess.
    #[error("expected at least {} characters", PASSWORD_CHARS.start())]
    TooShort,
    /// Too much to hash.
    #[error("expected at most {} characters", PASSWORD_CHARS.end())]
    TooLong,
    /// Among the first that anybody tries.
    #[error("this is one of the most common passwords")]
    TooCommon,
    /// Nothing that one would have to guess.
    #[error("this is little more than your name or mail address")]
    LikeOwner,
}

impl From<PasswordError> for Violation {
    fn from(error: PasswordError) -> Self {
        let code = match error {
            PasswordError::TooShort => "too_short",
            PasswordError::TooLong => "too_long",
            PasswordError::TooCommon => "too_common",
            PasswordError::LikeOwner => "like_owner",
        };
        Self { code, detail: error.to_string().into() }
    }
}

impl TryFrom<SecretString> for Password {
    type Error = PasswordError;

    fn try_from(text: SecretString) -> Result<Self, PasswordError> {
        let exposed = text.expose_secret();
        if exposed.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        match exposed.chars().count() {
            short if short < *PASSWORD_CHARS.start() => Err(PasswordError::TooShort),
            long if long > *PASSWORD_CHARS.end() => Err(PasswordError::TooLong),
            _ if common::is_common(exposed) => Err(PasswordError::TooCommon),
            _ => Ok(Self(text)),
        }
    }
}

impl Password {
    /// Passes if it is more than its owner's name or address.
    ///
    /// # Errors
    ///
    /// [`PasswordError::LikeOwner`].
    pub fn check_owner(&self, name: Option<&UserName>, email: Option<&Email>) -> Result<(), PasswordError> {
        if common::is_like_owner(self.0.expose_secret(), name, email) {
            return Err(PasswordError::LikeOwner);
        }
        Ok(())
    }
}

/// Hashes and verifies, within its means.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// The hash of a password that nobody has. Verifying against it makes a login for an unknown mail address take
    /// as long as one with a wrong password.
    decoy: Arc<str>,
    /// A place for each hash that runs or waits; none left: 503.
    places: Arc<Semaphore>,
    /// A turn for each hash that runs.
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// At most `admitted` hashes run or wait. Blocks for as long as one hash takes: the decoy's.
    ///
    /// # Errors
    ///
    /// 500 if hashing does not work at all.
    pub fn new(admitted: usize) -> Result<Self, ApiError> {
        // OWASP's Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
        let params = Params::new(19 * 1024, 2, 1, None).map_err(ApiError::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = hash(&argon2, &random_bytes::<32>()?)?.into();
        let places = Arc::new(Semaphore::new(admitted));
        let turns = Arc::new(Semaphore::new(password_hashes_running()));
        Ok(Self { argon2, decoy, places, turns })
    }

    /// The hash to store, in PHC string format: it names its own algorithm, parameters and salt.
    ///
    /// # Errors
    ///
    /// 503 when too many hashes wait already.
    pub async fn hash(&self, password: Password) -> Result<String, ApiError> {
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, password.0.expose_secret().as_bytes())).await?
    }

    /// Whether `password` is the one behind `stored`. Without a stored hash it takes as long, and is false.
    ///
    /// # Errors
    ///
    /// 503 when too many hashes wait already, 500 when `stored` is no hash.
    pub async fn verify(&self, password: SecretString, stored: Option<String>) -> Result<bool, ApiError> {
        // Nobody can have chosen it, and that takes no hash to tell.
        if password.expose_secret().len() > PASSWORD_BYTES_MAX {
            return Ok(false);
        }
        let argon2 = self.argon2.clone();
        let known = stored.is_some();
        let expected = stored.unwrap_or_else(|| self.decoy.to_string());
        let matches = self.run(move || verify(&argon2, &password, &expected)).await??;
        Ok(matches && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_full| ApiError::busy())?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(ApiError::internal)?;
        let task = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            work()
        });
        task.await.map_err(ApiError::internal)
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, ApiError> {
    let salt = SaltString::encode_b64(&random_bytes::<16>()?).map_err(ApiError::internal)?;
    let hash = argon2.hash_password(password, &salt).map_err(ApiError::internal)?;
    Ok(hash.to_string())
}

fn verify(argon2: &Argon2<'_>, password: &SecretString, expected: &str) -> Result<bool, ApiError> {
    let expected = PasswordHash::new(expected).map_err(ApiError::internal)?;
    match argon2.verify_password(password.expose_secret().as_bytes(), &expected) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::Password) => Ok(false),
        Err(broken) => Err(ApiError::internal(broken)),
    }
}
