//! Who looks at a post. Each viewer counts once in a day, so viewers must be told apart, and nothing more: whoever has
//! no account gets a name made of the client's address and a key that is drawn anew every day and never leaves this
//! process. When the day is over, nobody can tell any more which address a name belonged to.
//!
//! So after midnight (UTC) or a restart the same anonymous viewer counts again. That is the price.

use std::net::IpAddr;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tickroom_storage::{TimestampMs, post::Viewer};

use crate::{auth::Identity, error::ApiError, middleware::rate_limit::household};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Gives viewers their names.
#[derive(Debug, Default)]
pub struct Viewers {
    /// The day and its key, from the first anonymous viewer of the day on.
    key: Mutex<Option<(i64, [u8; 32])>>,
}

impl Viewers {
    /// The name of whoever looks.
    ///
    /// # Errors
    ///
    /// 500 without randomness.
    pub fn name(
        &self,
        identity: Option<&Identity>,
        client: IpAddr,
        now: TimestampMs,
    ) -> Result<Viewer, ApiError> {
        match identity {
            Some(identity) => Ok(Viewer::User(identity.user_id)),
            None => self.anonymous(client, now),
        }
    }

    fn anonymous(&self, client: IpAddr, now: TimestampMs) -> Result<Viewer, ApiError> {
        let key = self.key_of(now.get().div_euclid(DAY_MS))?;
        // The key is first and of a fixed length, and addresses have two lengths only: nothing can be appended.
        let hash = match household(client) {
            IpAddr::V4(address) => Sha256::new().chain_update(key).chain_update(address.octets()),
            IpAddr::V6(address) => Sha256::new().chain_update(key).chain_update(address.octets()),
        };
        Ok(Viewer::Anonymous(BASE64_URL_SAFE_NO_PAD.encode(hash.finalize())))
    }

    fn key_of(&self, today: i64) -> Result<[u8; 32], ApiError> {
        let mut key = self.key.lock();
        if let Some((_, key)) = key.filter(|(day, _)| *day == today) {
            return Ok(key);
        }
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh)?;
        *key = Some((today, fresh));
        Ok(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_one_name_for_a_day_and_another_one_the_next() {
        let viewers = Viewers::default();
        let name = |client: &str, at: i64| {
            viewers.name(None, client.parse().unwrap(), TimestampMs::new(at)).unwrap()
        };
        let first = name("192.0.2.1", 0);
        assert_eq!(name("192.0.2.1", DAY_MS - 1), first);
        assert_eq!(name("::ffff:192.0.2.1", DAY_MS - 1), first);
        assert_ne!(name("192.0.2.2", 0), first);
        assert_eq!(name("2001:db8::1", 0), name("2001:db8::2", 0));
        assert_ne!(name("192.0.2.1", DAY_MS), first);
        assert!(!format!("{first:?}").contains("192"));
    }
}
