//! So many attempts per client address, user or mailbox, then 429 with the time to wait.
//!
//! One limiter is one budget; it is asked by whoever spends it, not by a layer, so that what is limited stands where it
//! happens.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};

use crate::{
    error::ApiError,
    limits::{RATE_LIMIT_KEYS_MAX, RATE_LIMIT_SWEEP_EVERY},
};

type Limiter<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A budget for each key. `C` is the clock, which tests wind by hand.
pub struct KeyedLimit<K: Clone + Eq + Hash, C: Clock = DefaultClock> {
    limiter: Limiter<K, C>,
    clock: C,
    checks: AtomicU32,
}

/// A budget for each client address.
pub struct AddressLimit<C: Clock = DefaultClock>(KeyedLimit<IpAddr, C>);

impl<K: Clone + Eq + Hash> KeyedLimit<K> {
    /// `limit` at once, refilled evenly over a minute.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::with_clock(Quota::per_minute(limit), DefaultClock::default())
    }

    /// `limit` at once, refilled evenly over an hour.
    #[must_use]
    pub fn per_hour(limit: NonZeroU32) -> Self {
        Self::with_clock(Quota::per_hour(limit), DefaultClock::default())
    }
}

impl AddressLimit {
    /// `limit` at once, refilled evenly over a minute.
    #[must_use]
    pub fn per_minute(limit: NonZeroU32) -> Self {
        Self::with_clock(Quota::per_minute(limit), DefaultClock::default())
    }

    /// `limit` at once, refilled evenly over an hour.
    #[must_use]
    pub fn per_hour(limit: NonZeroU32) -> Self {
        Self::with_clock(Quota::per_hour(limit), DefaultClock::default())
    }
}

impl<C: Clock + Clone> AddressLimit<C> {
    fn with_clock(quota: Quota, clock: C) -> Self {
        Self(KeyedLimit::with_clock(quota, clock))
    }

    /// Takes one from the budget of `client`.
    ///
    /// # Errors
    ///
    /// As [`KeyedLimit::take`].
    pub fn take(&self, client: IpAddr) -> Result<(), ApiError> {
        self.0.take(&household(client))
    }
}

impl<K: Clone + Eq + Hash, C: Clock + Clone> KeyedLimit<K, C> {
    fn with_clock(quota: Quota, clock: C) -> Self {
        let limiter = RateLimiter::hashmap_with_clock(quota, clock.clone());
        Self { limiter, clock, checks: AtomicU32::new(0) }
    }

    /// Takes one from the budget of `key`.
    ///
    /// # Errors
    ///
    /// 429 when it is spent, or 503 when more keys are remembered than we have room for.
    pub fn take(&self, key: &K) -> Result<(), ApiError> {
        self.sweep();
        if self.limiter.len() >= RATE_LIMIT_KEYS_MAX {
            return Err(ApiError::busy());
        }
        let spent = self.limiter.check_key(key).err();
        spent.map_or(Ok(()), |until| Err(ApiError::rate_limited(until.wait_time_from(self.clock.now()))))
    }

    /// Forgets keys whose budget is full again, now and then: it costs a walk over all of them.
    fn sweep(&self) {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(RATE_LIMIT_SWEEP_EVERY) {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
    }
}

/// An IPv6 customer has at least a /64 (RFC 6177), so that is who we count.
pub(crate) fn household(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(v4) => v4.into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn two_per_minute() -> (AddressLimit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_minute(NonZeroU32::new(2).unwrap());
        (AddressLimit::with_clock(quota, clock.clone()), clock)
    }

    #[test]
    fn a_spent_budget_is_refused_and_refills() {
        let (limit, clock) = two_per_minute();
        let client = "192.0.2.1".parse().unwrap();
        limit.take(client).unwrap();
        limit.take(client).unwrap();
        assert_eq!(limit.take(client).unwrap_err().status(), 429);
        clock.advance(Duration::from_secs(30));
        limit.take(client).unwrap();
        limit.take("192.0.2.2".parse().unwrap()).unwrap();
    }

    #[test]
    fn one_household_cannot_hop_through_its_ipv6_addresses() {
        let (limit, _clock) = two_per_minute();
        limit.take("2001:db8::1".parse().unwrap()).unwrap();
        limit.take("2001:db8::2".parse().unwrap()).unwrap();
        assert_eq!(limit.take("2001:db8::3".parse().unwrap()).unwrap_err().status(), 429);
        limit.take("2001:db8:0:1::1".parse().unwrap()).unwrap();
    }

    #[test]
    fn no_more_clients_are_remembered_than_there_is_room_for() {
        let (limit, clock) = two_per_minute();
        let clients = u32::try_from(RATE_LIMIT_KEYS_MAX).unwrap();
        for client in 0..clients {
            limit.take(Ipv4Addr::from_bits(client).into()).unwrap();
        }
        let newcomer = "192.0.2.1".parse().unwrap();
        assert_eq!(limit.take(newcomer).unwrap_err().status(), 503);
        clock.advance(Duration::from_secs(60));
        limit.0.limiter.retain_recent();
        limit.take(newcomer).unwrap();
    }

    #[test]
    fn remembered_clients_are_forgotten_when_their_budget_is_full_again() {
        let (limit, clock) = two_per_minute();
        for last in 0..RATE_LIMIT_SWEEP_EVERY {
            limit.take(Ipv4Addr::from_bits(last).into()).unwrap();
        }
        clock.advance(Duration::from_secs(60));
        limit.take("192.0.2.1".parse().unwrap()).unwrap();
        assert_eq!(limit.0.limiter.len(), 1);
    }
}
