//! The two clocks: one for intervals, one to compare with times that a server writes.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Microseconds of the monotonic clock, which all processes of the machine share.
pub fn now_us() -> u64 {
    micros(clock_gettime(ClockId::Monotonic))
}

/// Microseconds since 1970.
pub fn wall_us() -> u64 {
    micros(clock_gettime(ClockId::Realtime))
}

fn micros(time: Timespec) -> u64 {
    // Neither clock is negative on a machine that could run this.
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(time.tv_sec) * 1_000_000 + part(time.tv_nsec) / 1000
}

/// Whole seconds in microseconds.
pub const fn seconds_us(seconds: u64) -> u64 {
    seconds * 1_000_000
}

/// Microseconds in seconds.
pub fn seconds(us: u64) -> f64 {
    crate::outcome::float(us) / 1e6
}
