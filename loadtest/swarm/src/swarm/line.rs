//! Connections come and go: admission, handshake, loss, return, and reading slowly.

use anyhow::anyhow;
use rustix::event::epoll::{self, EventData, EventFlags};
use std::fmt::Write;

use super::Swarm;
use crate::alarm::{Act, Alarm};
use crate::client::{Client, End, Role, Stage};
use crate::clock::{self, seconds_us};
use crate::handshake;
use crate::limits::{BACKOFF_BASE_US, BACKOFF_CAP_US, HANDSHAKE_TIMEOUT_US, READ_BYTES};
use crate::pacer::Pacer;
use crate::socket::begin_connect;
use crate::target::Target;

/// How often a slow reader reads.
const SIP_EVERY_US: u64 = 250_000;

/// How bad the network is.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// The mean time between two cuts of one reader.
    pub cut_every_us: u64,
    /// How long it then stays away.
    pub offline_us: u64,
}

impl Swarm<'_> {
    /// Lets clients come until so many are there, as fast as the crowd may. Keeps the time that it took.
    ///
    /// # Errors
    ///
    /// When they have not come in time, or one cannot.
    pub fn gather(&mut self, invited: usize) -> anyhow::Result<()> {
        let (start_us, before) = (clock::now_us(), self.ledger.live);
        self.now_us = start_us;
        self.invited = invited;
        self.admission = Some(Pacer::new(start_us, self.setup.crowd.connects_per_s));
        let deadline_us = start_us + seconds_us(self.setup.crowd.gather_s);
        let all_came = self.run_until(deadline_us, |swarm| swarm.ledger.live == invited)?;
        if !all_came {
            let counts = &self.ledger.outcome.counts;
            return Err(anyhow!("only {} of {invited} clients came in time: {counts:?}", self.ledger.live));
        }
        self.gather_us += self.now_us - start_us;
        self.ledger.outcome.count("joined", u64::try_from(invited - before)?);
        self.ledger.outcome.peak("connect_s", clock::seconds(self.gather_us));
        Ok(())
    }

    /// Whether a newcomer is at the door and may knock.
    pub(super) fn may_admit(&self) -> bool {
        let admitted = self.clients.len() - self.waiting.len();
        let under_way = admitted.saturating_sub(self.ledger.live);
        admitted < self.invited && under_way < self.setup.crowd.handshakes
    }

    /// Starts handshakes of newcomers.
    pub(super) fn admit(&mut self) {
        while self.may_admit() {
            let is_due = self.admission.as_mut().is_some_and(|pacer| pacer.take_due(self.now_us).is_some());
            let Some(next) = is_due.then(|| self.waiting.pop_front()).flatten() else { return };
            self.connect(next);
        }
    }

    pub(super) fn connect(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let slow = self.setup.slow.filter(|_| client.role == Role::SlowReader);
        let receive_buffer_bytes = slow.map(|slow| slow.receive_buffer_bytes);
        let address = self.setup.target.address();
        let connected =
            begin_connect(Target::source(index), address, receive_buffer_bytes).and_then(|stream| {
                epoll::add(&self.epoll, &stream, token(index), EventFlags::OUT)?;
                Ok(stream)
            });
        match connected {
            Ok(stream) => {
                client.stream = Some(stream);
                client.listens = EventFlags::OUT;
                client.stage = Stage::Connecting;
                client.since_us = self.now_us;
                let due_us = self.now_us + HANDSHAKE_TIMEOUT_US;
                self.alarms.set(Alarm { due_us, client: index, life: client.life, act: Act::GiveUp });
            }
            Err(error) => self.fatal = Some(anyhow!(error).context("cannot open another socket")),
        }
    }

    /// TCP stands: asks for a WebSocket.
    pub(super) fn upgrade(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let Some(stream) = &client.stream else { return };
        if let Some(error) = stream.take_error().unwrap_or_else(Some) {
            return self.lose(index, &End::Broken(error));
        }
        let key = handshake::key(fastrand::u128(..));
        let tokens = self.setup.tokens;
        let token = index.checked_rem(tokens.len()).and_then(|index| tokens.get(index));
        let path = path(client, self.setup.first_room);
        let request = handshake::request(self.setup.target.address(), &path, token.map(String::as_str), &key);
        client.out.extend_from_slice(request.as_bytes());
        client.stage = Stage::Upgrading(key);
        self.flush(index);
    }

    /// Writes what waits, and asks to be told when the rest can be written.
    pub(super) fn flush(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        match client.flush() {
            Ok(all) => {
                let mut flags = if client.sips { EventFlags::empty() } else { EventFlags::IN };
                flags.set(EventFlags::OUT, !all);
                self.listen(index, flags);
            }
            Err(error) => self.lose(index, &End::Broken(error)),
        }
    }

    fn listen(&mut self, index: usize, flags: EventFlags) {
        let Some(client) = self.clients.get_mut(index) else { return };
        if let Some(stream) = client.stream.as_ref().filter(|_| client.listens != flags)
            && epoll::modify(&self.epoll, stream, token(index), flags).is_ok()
        {
            client.listens = flags;
        }
    }

    /// A connection ended. Books why, and sees to it that the client comes back if it is one that does.
    pub(super) fn lose(&mut self, index: usize, end: &End) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let was_live = client.stage == Stage::Live;
        if let Some(room) =
            self.ledger.rooms.get_mut(client.room).filter(|_| client.role == Role::Publisher && was_live)
        {
            room.sent -= self.talk.unwritten(client.out.len()).min(room.sent);
        }
        client.hang_up();
        if was_live {
            self.ledger.live -= 1;
            if client.away_since_us.is_none() {
                client.away_since_us = Some(self.now_us);
                self.ledger.away += 1;
            }
        }
        let wait_us = match end {
            End::Cut { return_us } => return self.come_back(index, *return_us),
            End::Refused { status: 429 | 503, retry_after } => {
                retry_after.map_or(0, |after| u64::try_from(after.as_micros()).unwrap_or(u64::MAX))
            }
            End::Refused { .. } | End::Handshake(_) | End::Frame(_) => {
                self.fatal = Some(anyhow!("the server {end} for client {index}"));
                return;
            }
            End::Closed(_) | End::TimedOut | End::Broken(_) => 0,
        };
        self.ledger.note(&reason(end, was_live));
        if was_live && (!self.setup.returns || matches!(end, End::Closed(3500..=3999))) {
            self.ledger.lost += 1;
        } else {
            self.come_back_later(index, wait_us);
        }
    }

    /// Exponential backoff with full jitter.
    fn come_back_later(&mut self, index: usize, at_least_us: u64) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let cap_us = (BACKOFF_BASE_US << client.attempts.min(10)).min(BACKOFF_CAP_US);
        client.attempts += 1;
        self.come_back(index, at_least_us + fastrand::u64(0..cap_us));
    }

    fn come_back(&mut self, index: usize, wait_us: u64) {
        if let Some(client) = self.clients.get(index) {
            let due_us = self.now_us + wait_us;
            self.alarms.set(Alarm { due_us, client: index, life: client.life, act: Act::Connect });
        }
    }

    /// Cuts a client off with a reset; it comes back after so long.
    pub fn cut_off(&mut self, index: usize, return_us: u64) {
        self.ledger.note("cuts");
        self.lose(index, &End::Cut { return_us });
    }

    /// From now on readers are cut off now and then; with nothing, no more.
    pub fn set_weather(&mut self, weather: Option<Weather>) {
        self.weather = weather;
        let every_us = weather.map_or(0, |weather| weather.cut_every_us);
        for index in self.with_role(Role::Reader).into_iter().filter(|_| every_us > 0) {
            self.set_alarm(index, fastrand::u64(0..every_us), Act::Cut);
        }
    }

    pub(super) fn cut_by_weather(&mut self, index: usize) {
        if let Some(weather) = self.weather {
            self.cut_off(index, weather.offline_us);
        }
    }

    pub(super) fn reconnect(&mut self, index: usize) {
        self.connect(index);
        let is_reader = self.clients.get(index).is_some_and(|client| client.role == Role::Reader);
        if let Some(Weather { cut_every_us, .. }) = self.weather.filter(|_| is_reader) {
            self.set_alarm(index, cut_every_us / 2 + fastrand::u64(0..=cut_every_us), Act::Cut);
        }
    }

    pub(super) fn set_alarm(&mut self, index: usize, after_us: u64, act: Act) {
        if let Some(client) = self.clients.get(index) {
            self.alarms.set(Alarm { due_us: self.now_us + after_us, client: index, life: client.life, act });
        }
    }

    /// Makes a client slow until it wakes up.
    pub fn slow_down(&mut self, index: usize, wake_after_us: u64) {
        if let Some(client) = self.clients.get_mut(index) {
            client.sips = true;
            self.listen(index, EventFlags::empty());
            self.set_alarm(index, 0, Act::Sip);
            self.set_alarm(index, wake_after_us, Act::WakeUp);
        }
    }

    pub(super) fn sip(&mut self, index: usize) {
        if self.clients.get(index).is_some_and(|client| client.sips) {
            let bytes = self.setup.slow.map_or(READ_BYTES, |slow| slow.sip_bytes);
            self.set_alarm(index, SIP_EVERY_US, Act::Sip);
            self.read(index, bytes);
        }
    }

    pub(super) fn wake_up(&mut self, index: usize) {
        if let Some(client) = self.clients.get_mut(index) {
            client.sips = false;
            self.listen(index, EventFlags::IN);
        }
    }
}

fn token(index: usize) -> EventData {
    EventData::new_u64(u64::try_from(index).unwrap_or(u64::MAX))
}

/// What a client asks for: prices, a room, or the rest of a room.
fn path(client: &Client, first_room: usize) -> String {
    if !client.seqs.is_empty() {
        return "/ws/ticker".to_owned();
    }
    let mut path = format!("/ws/chat?room={}", room_name(first_room + client.room));
    if let Some(epoch) = &client.epoch {
        // Writing to a string cannot fail.
        let _ = write!(path, "&epoch={}&offset={}", percent_encode(epoch), client.track.last());
    }
    path
}

/// The name of a room by its number.
fn room_name(number: usize) -> String {
    format!("SWARM-{number:02}")
}

fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn reason(end: &End, was_live: bool) -> String {
    match end {
        End::Closed(code) => format!("closed_{code}"),
        End::Refused { status, .. } => format!("handshakes_refused_{status}"),
        End::TimedOut => "handshakes_timed_out".to_owned(),
        End::Broken(_) if was_live => "connections_broken".to_owned(),
        _ => "connects_failed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_was_there_asks_for_the_rest() {
        let mut client = Client::new(3, Role::Reader);
        assert_eq!(path(&client, 10), "/ws/chat?room=SWARM-13");
        client.epoch = Some("a b+1".to_owned());
        client.track.join(7);
        assert_eq!(path(&client, 0), "/ws/chat?room=SWARM-03&epoch=a%20b%2B1&offset=7");
        client.seqs = vec![0];
        assert_eq!(path(&client, 0), "/ws/ticker");
    }
}
