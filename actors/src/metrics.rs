//! The metrics of the actor tree: name, unit and help in one place.
//!
//! Labels are bounded: actor roles, refusal codes, close reasons, markets that are followed. Never a room, a user or a
//! message.

use crate::tree::Services;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use tickroom_storage::TimestampMs;

/// Deaths of actors that their supervisor answered with a restart, by `actor`.
pub const RESTARTS: &str = "tickroom_actor_restarts_total";
/// Supervisors that gave up on a child, by `actor`.
pub const ESCALATIONS: &str = "tickroom_actor_escalations_total";
/// Chat messages that rooms put into their order.
pub const MESSAGES_IN: &str = "tickroom_messages_in_total";
/// Frames handed to outboxes, counted once per message and member.
pub const DELIVERIES: &str = "tickroom_deliveries_total";
/// Commands that were refused, by `code`.
pub const REFUSALS: &str = "tickroom_refusals_total";
/// Acks sent to senders.
pub const ACKS: &str = "tickroom_acks_total";
/// Sockets that are open.
pub const SOCKETS: &str = "tickroom_sockets";
/// Sockets that the server closed, by `reason`.
pub const CLOSES: &str = "tickroom_socket_closes_total";
/// Messages per append to the log.
pub const WRITER_BATCH: &str = "tickroom_writer_batch_messages";
/// Messages that wait to be stored.
pub const WRITER_QUEUE: &str = "tickroom_writer_queue_messages";
/// Appends that failed and are repeated.
pub const WRITER_RETRIES: &str = "tickroom_writer_retries_total";
/// Messages that are in the local spill file and not yet in the log.
pub const WRITER_SPILLED: &str = "tickroom_writer_spilled_messages";
/// Messages that the log will never take and that were given up.
pub const WRITER_REJECTED: &str = "tickroom_writer_rejected_total";
/// Messages that the log had before.
pub const WRITER_REPEATS: &str = "tickroom_writer_repeats_total";
/// Frames read from the exchange.
pub const FEED_FRAMES: &str = "tickroom_feed_frames_total";
/// Frames of the exchange that could not be read.
pub const FEED_BAD_FRAMES: &str = "tickroom_feed_bad_frames_total";
/// Connections to the exchange that were lost or refused.
pub const FEED_RECONNECTS: &str = "tickroom_feed_reconnects_total";
/// Time from the exchange's stamp to this server's reading.
pub const FEED_LAG: &str = "tickroom_feed_lag_seconds";
/// Requests for candles, by `outcome`.
pub const CANDLE_REQUESTS: &str = "tickroom_candle_requests_total";
/// Candles that were new or different when they were stored.
pub const CANDLE_CHANGES: &str = "tickroom_candle_changes_total";
/// Series that lack recent candles.
pub const CANDLE_BEHIND: &str = "tickroom_candle_behind_series";
/// Time since the last price of each market was read, by `market`.
pub const FEED_TICK_AGE: &str = "tickroom_feed_tick_age_seconds";
/// Whether no price came for longer than the operator wants: 1 or 0.
pub const FEED_STALE: &str = "tickroom_feed_stale";
/// Events published from the outbox.
pub const EVENTS_PUBLISHED: &str = "tickroom_events_published_total";
/// Looks at the outbox that failed and are repeated.
pub const RELAY_FAILURES: &str = "tickroom_relay_failures_total";
/// Events carried out.
pub const EVENTS_HANDLED: &str = "tickroom_events_handled_total";
/// Events, batches of them and pages of jobs that failed and are repeated.
pub const ACTIVITY_FAILURES: &str = "tickroom_activity_failures_total";
/// Events put aside because they cannot be carried out.
pub const DEAD_LETTERS: &str = "tickroom_dead_letters_total";
/// Notifications made.
pub const NOTIFICATIONS: &str = "tickroom_notifications_total";
/// Notifications handed to live streams and sockets of their reader.
pub const NOTIFICATIONS_SHOWN: &str = "tickroom_notifications_shown_total";
/// Event streams that are open.
pub const STREAMS: &str = "tickroom_streams";
/// Event streams that the server ended, by `reason`.
pub const STREAM_ENDS: &str = "tickroom_stream_ends_total";

/// Tells the recorder what the metrics mean. Call once, after the recorder is installed.
pub fn describe() {
    describe_counter!(RESTARTS, Unit::Count, "Actors restarted by their supervisor");
    describe_counter!(ESCALATIONS, Unit::Count, "Supervisors that gave up on a child");
    describe_counter!(MESSAGES_IN, Unit::Count, "Chat messages ordered by rooms");
    describe_counter!(DELIVERIES, Unit::Count, "Messages handed to outboxes, once per member");
    describe_counter!(REFUSALS, Unit::Count, "Commands refused, by code");
    describe_counter!(ACKS, Unit::Count, "Acks sent to senders after the message was stored");
    describe_gauge!(SOCKETS, Unit::Count, "Open sockets");
    describe_counter!(CLOSES, Unit::Count, "Sockets closed by the server, by reason");
    describe_histogram!(WRITER_BATCH, Unit::Count, "Messages per append to the message log");
    describe_gauge!(WRITER_QUEUE, Unit::Count, "Messages waiting to be stored");
    describe_counter!(WRITER_RETRIES, Unit::Count, "Failed appends that are repeated");
    describe_gauge!(WRITER_SPILLED, Unit::Count, "Messages in the spill file, not yet in the log");
    describe_counter!(WRITER_REJECTED, Unit::Count, "Messages that the log will never take");
    describe_counter!(WRITER_REPEATS, Unit::Count, "Messages that the log had before");
    describe_counter!(FEED_FRAMES, Unit::Count, "Frames read from the exchange");
    describe_counter!(FEED_BAD_FRAMES, Unit::Count, "Frames of the exchange that could not be read");
    describe_counter!(FEED_RECONNECTS, Unit::Count, "Connections to the exchange lost or refused");
    describe_histogram!(FEED_LAG, Unit::Seconds, "Exchange time to reading time of a price");
    describe_gauge!(FEED_TICK_AGE, Unit::Seconds, "Time since the last price of a market, by market");
    describe_gauge!(FEED_STALE, Unit::Count, "1 while no price has come for too long");
    describe_counter!(CANDLE_REQUESTS, Unit::Count, "Requests for candles, by outcome");
    describe_counter!(CANDLE_CHANGES, Unit::Count, "Candles stored that were new or different");
    describe_gauge!(CANDLE_BEHIND, Unit::Count, "Series that lack recent candles");
    describe_counter!(EVENTS_PUBLISHED, Unit::Count, "Events published from the outbox");
    describe_counter!(RELAY_FAILURES, Unit::Count, "Failed looks at the outbox that are repeated");
    describe_counter!(EVENTS_HANDLED, Unit::Count, "Events carried out");
    describe_counter!(ACTIVITY_FAILURES, Unit::Count, "Failed events, batches and jobs that are repeated");
    describe_counter!(DEAD_LETTERS, Unit::Count, "Events put aside because they cannot be carried out");
    describe_counter!(NOTIFICATIONS, Unit::Count, "Notifications made");
    describe_counter!(NOTIFICATIONS_SHOWN, Unit::Count, "Notifications shown to readers who were there");
    describe_gauge!(STREAMS, Unit::Count, "Open event streams");
    describe_counter!(STREAM_ENDS, Unit::Count, "Event streams ended by the server, by reason");
}

/// Counts a restart of one of the tree's roles.
pub(crate) fn restarted(actor: &'static str) {
    counter!(RESTARTS, "actor" => actor).increment(1);
}

/// Counts a supervisor that gave up.
pub(crate) fn escalated(actor: &'static str) {
    counter!(ESCALATIONS, "actor" => actor).increment(1);
}

/// Brings the ages of prices up to date: they change without anything happening. Call before the metrics are read.
pub fn show_ages(services: &Services) {
    let Some(feed) = &services.config.feed else { return };
    let is_stale = services.feed_view.get().is_stale(feed.stale_after);
    gauge!(FEED_STALE).set(f64::from(u8::from(is_stale)));
    let now = TimestampMs::now().as_millis();
    for (code, received) in services.hub.last_received() {
        let age_ms = u32::try_from((now - received.as_millis()).max(0)).unwrap_or(u32::MAX);
        gauge!(FEED_TICK_AGE, "market" => code.to_string()).set(f64::from(age_ms) / 1000.0);
    }
}
