//! What guessing costs. A wrong password makes the next try wait, and each further one longer; nothing is ever locked,
//! because a lock is what somebody who wants to keep the owner out would use.
//!
//! There are two budgets. One is for a pair of account and address, and stops a single guesser. The other is for an
//! account and all addresses together, and slows down many; an address that the owner has used before, or from where
//! she has just followed a link out of her mailbox, does not depend on it. So whoever guesses from elsewhere, with
//! however many machines, takes nothing from her.
//!
//! An account is what was typed as its mail address, whether there is one or not: a limit must not tell.

use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use moka::ops::compute::Op;
use moka::sync::Cache;
use sha2::{Digest, Sha256};
use tickroom_storage::TimestampMs;

use super::later;
use crate::error::ApiError;
use crate::limits::{
    GUESS_WAIT_PER_ACCOUNT_MAX, GUESS_WAIT_PER_ADDRESS_MAX, GUESSES_FREE_PER_ACCOUNT,
    GUESSES_FREE_PER_ADDRESS, GUESSES_REMEMBERED_FOR, GUESSES_REMEMBERED_MAX, MAILBOX_PROOF_TTL,
};
use crate::middleware::rate_limit::household;

/// An account by its mail address, of which only a hash is kept: it may be as long as a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Account([u8; 32]);

impl Account {
    pub(super) fn of(email: &str) -> Self {
        Self(Sha256::digest(email.trim().to_lowercase()).into())
    }
}

/// Wrong passwords in a row.
#[derive(Debug, Clone, Copy)]
struct Streak {
    wrong: u32,
    next_at: TimestampMs,
}

/// Who has guessed wrong, and how often.
pub(super) struct Guesses {
    pairs: Cache<(Account, IpAddr), Streak>,
    accounts: Cache<Account, Streak>,
    /// From where somebody has lately shown that the account's mailbox is hers.
    proofs: Cache<(Account, IpAddr), ()>,
}

impl Guesses {
    pub(super) fn new() -> Self {
        Self {
            pairs: remembered_for(GUESSES_REMEMBERED_FOR),
            accounts: remembered_for(GUESSES_REMEMBERED_FOR),
            proofs: remembered_for(MAILBOX_PROOF_TTL),
        }
    }

    /// Passes if this address may try the account's password now.
    pub(super) fn check_pair(
        &self,
        account: Account,
        client: IpAddr,
        now: TimestampMs,
    ) -> Result<(), ApiError> {
        check(self.pairs.get(&(account, household(client))), now)
    }

    /// Passes if an address that nobody knows may try it.
    pub(super) fn check_account(&self, account: Account, now: TimestampMs) -> Result<(), ApiError> {
        check(self.accounts.get(&account), now)
    }

    /// Whether somebody at this address has lately shown that the mailbox is hers.
    pub(super) fn is_proved(&self, account: Account, client: IpAddr) -> bool {
        self.proofs.contains_key(&(account, household(client)))
    }

    /// The password was wrong.
    pub(super) fn failed(&self, account: Account, client: IpAddr, now: TimestampMs) {
        let (free, most) = (GUESSES_FREE_PER_ADDRESS, GUESS_WAIT_PER_ADDRESS_MAX);
        lengthen(&self.pairs, (account, household(client)), free, most, now);
        lengthen(&self.accounts, account, GUESSES_FREE_PER_ACCOUNT, GUESS_WAIT_PER_ACCOUNT_MAX, now);
    }

    /// The password was right. What others did wrong at the account still counts for strangers.
    pub(super) fn succeeded(&self, account: Account, client: IpAddr) {
        self.pairs.invalidate(&(account, household(client)));
    }

    /// Somebody at this address has followed a link out of the account's mailbox.
    pub(super) fn prove(&self, account: Account, client: IpAddr) {
        self.proofs.insert((account, household(client)), ());
        self.succeeded(account, client);
    }
}

fn remembered_for<K, V>(time: Duration) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    // From the last write on: looking does not prolong a streak.
    Cache::builder().max_capacity(GUESSES_REMEMBERED_MAX).time_to_live(time).build()
}

fn check(streak: Option<Streak>, now: TimestampMs) -> Result<(), ApiError> {
    let wait_ms = streak.map_or(0, |streak| streak.next_at.millis_since(now));
    match u64::try_from(wait_ms) {
        Ok(wait_ms @ 1..) => Err(ApiError::rate_limited(Duration::from_millis(wait_ms))),
        _ => Ok(()),
    }
}

fn lengthen<K>(streaks: &Cache<K, Streak>, key: K, free: u32, most: Duration, now: TimestampMs)
where
    K: Hash + Eq + Send + Sync + 'static,
{
    streaks.entry(key).and_compute_with(|before| {
        let wrong = before.map_or(0, |before| before.into_value().wrong).saturating_add(1);
        Op::Put(Streak { wrong, next_at: later(now, wait_after(wrong, free, most)) })
    });
}

/// Nothing for the first few, then a second, and twice as long each time.
fn wait_after(wrong: u32, free: u32, most: Duration) -> Duration {
    match wrong.checked_sub(free) {
        None => Duration::ZERO,
        Some(beyond) => {
            let seconds = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX);
            Duration::from_secs(seconds).min(most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn at(seconds: i64) -> TimestampMs {
        TimestampMs::new(seconds * 1000)
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let wait = |wrong| wait_after(wrong, 5, Duration::from_secs(300)).as_secs();
        assert_eq!([4, 5, 6, 7, 13, 14, 70, u32::MAX].map(wait), [0, 1, 2, 4, 256, 300, 300, 300]);
    }

    #[test]
    fn a_guesser_waits_and_the_owner_elsewhere_does_not() {
        let (guesses, account) = (Guesses::new(), Account::of("ann@example.com"));
        for _wrong in 0..6 {
            guesses.failed(account, HOME, at(0));
        }
        let refused = guesses.check_pair(account, HOME, at(1)).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (429, "rate_limited"));
        assert!(guesses.check_pair(account, HOME, at(2)).is_ok());
        assert!(guesses.check_pair(account, "192.0.2.2".parse().unwrap(), at(1)).is_ok());
        assert!(guesses.check_account(account, at(1)).is_ok());
        guesses.succeeded(account, HOME);
        guesses.failed(account, HOME, at(1));
        assert!(guesses.check_pair(account, HOME, at(1)).is_ok(), "the count began anew");
    }

    #[test]
    fn many_guessers_slow_strangers_down_together() {
        let (guesses, account) = (Guesses::new(), Account::of("Ann@Example.com "));
        for n in 0..60 {
            let guesser = std::net::Ipv4Addr::from_bits(0xc633_6400 + n).into();
            assert!(guesses.check_pair(account, guesser, at(0)).is_ok());
            guesses.failed(account, guesser, at(0));
        }
        assert!(guesses.check_account(Account::of("ann@example.com"), at(59)).is_err());
        assert!(guesses.check_account(account, at(60)).is_ok());
        assert!(guesses.check_account(Account::of("bob@example.com"), at(0)).is_ok());
        assert!(!guesses.is_proved(account, HOME));
        guesses.prove(account, HOME);
        assert!(guesses.is_proved(account, HOME));
    }
}
