//! Unguessable tokens that mean nothing by themselves: refresh tokens, tickets, token ids.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// 256 random bits, base64url: 43 characters that need no quoting in cookies, URLs and JSON.
///
/// # Errors
///
/// When the operating system has no randomness to give.
pub(super) fn generate() -> Result<String, getrandom::Error> {
    random_bytes::<32>().map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// What is stored of a secret: its SHA-256, in hexadecimal. Whoever reads the database cannot log in with that, and
/// against 256 random bits guessing does not help, so it needs neither salt nor slowness.
pub(super) fn fingerprint(secret: &str) -> String {
    format!("{:x}", Sha256::digest(secret))
}

/// `N` bytes from the operating system.
///
/// # Errors
///
/// When it has no randomness to give.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

impl From<getrandom::Error> for ApiError {
    fn from(error: getrandom::Error) -> Self {
        Self::internal(error)
    }
}
