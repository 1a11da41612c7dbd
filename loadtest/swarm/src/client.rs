//! One client: its connection, how far it is, and what it makes of the bytes that come.

use rustix::event::epoll::EventFlags;
use serde::Deserialize;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::frame::{self, Frame, FrameError, Opcode};
use crate::handshake::{self, HandshakeError, Reply};
use crate::ledger::{Column, Ledger};
use crate::scan::{self, Kind};
use crate::tick;
use crate::track::{Delivery, Track};

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Listens.
    Reader,
    /// Listens, and is slow at it when the plan says so.
    SlowReader,
    /// Talks and listens.
    Publisher,
}

/// How far a connection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// There is none.
    Offline,
    /// TCP's handshake is under way.
    Connecting,
    /// The upgrade was asked for with this key.
    Upgrading(String),
    /// The socket is open, the room has not answered.
    Joining,
    /// All is well.
    Live,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The server closed it with this code.
    #[error("closed with {0}")]
    Closed(u16),
    /// The server did not open it.
    #[error("refused with {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The handshake took too long.
    #[error("timed out")]
    TimedOut,
    /// It was cut on purpose.
    #[error("cut")]
    Cut {
        /// When to come back.
        return_us: u64,
    },
    /// It broke without a close frame.
    #[error(transparent)]
    Broken(#[from] io::Error),
    /// The server answered another handshake than ours.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The server sent what is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The frames that are rare enough for a parser.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
enum Notice {
    Joined {
        epoch: String,
        offset: u64,
        recovered: Option<bool>,
    },
    Error {
        code: String,
    },
    #[serde(other)]
    Unknown,
}

/// One client.
#[derive(Debug)]
pub struct Client {
    /// The number of its room.
    pub room: usize,
    /// What it is for.
    pub role: Role,
    /// How far its connection is.
    pub stage: Stage,
    /// Its connection.
    pub stream: Option<TcpStream>,
    /// The events that the kernel was asked for.
    pub listens: EventFlags,
    /// Counts its connections, so that an alarm for an old one is known as such.
    pub life: u32,
    /// What it was given.
    pub track: Track,
    /// The epoch of its position, once it has one.
    pub epoch: Option<String>,
    /// Since when it has been connecting.
    pub since_us: u64,
    /// Since when it has been away, until it is caught up again.
    pub away_since_us: Option<u64>,
    /// Attempts at a connection since the last good one.
    pub attempts: u32,
    /// Whether it reads only when its alarm rings.
    pub sips: bool,
    /// The last `seq` of each market that it watches.
    pub seqs: Vec<u64>,
    /// Bytes to be written.
    pub out: Vec<u8>,
    /// Whether something was said since the last write.
    pub spoke: bool,
    /// A frame that has only partly come.
    partial: Vec<u8>,
}

impl Client {
    /// A client that has not come yet.
    pub const fn new(room: usize, role: Role) -> Self {
        Self {
            room,
            role,
            stage: Stage::Offline,
            stream: None,
            listens: EventFlags::empty(),
            life: 0,
            track: Track::new(),
            epoch: None,
            since_us: 0,
            away_since_us: None,
            attempts: 0,
            sips: false,
            seqs: Vec::new(),
            out: Vec::new(),
            spoke: false,
            partial: Vec::new(),
        }
    }

    /// Reads what there is, once, behind what is left from the last time. Returns how much of `buffer` is filled;
    /// nothing when there was nothing to read.
    ///
    /// # Errors
    ///
    /// The kernel's, and `UnexpectedEof` at the end.
    pub fn fill(&mut self, buffer: &mut [u8], at_most: usize) -> io::Result<Option<usize>> {
        let Some(mut stream) = self.stream.as_ref() else { return Ok(None) };
        let held = self.partial.len();
        // A partial frame takes half of the buffer at most, so there is always room.
        let Some((head, free)) = buffer.split_at_mut_checked(held) else { return Ok(None) };
        head.copy_from_slice(&self.partial);
        let length = free.len().min(at_most);
        match stream.read(free.get_mut(..length).unwrap_or_default()) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(Some(held + read)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes in bytes, and keeps those of an incomplete frame for the next time.
    ///
    /// # Errors
    ///
    /// [`End`] when the connection is of no more use.
    pub fn digest(&mut self, bytes: &[u8], now_us: u64, ledger: &mut Ledger) -> Result<(), End> {
        let mut rest = bytes;
        if let Stage::Upgrading(key) = &self.stage {
            match handshake::read_reply(rest, key)? {
                Reply::Incomplete => {}
                Reply::Refused { status, retry_after } => return Err(End::Refused { status, retry_after }),
                Reply::Accepted(length) => {
                    rest = rest.get(length..).unwrap_or_default();
                    self.stage = Stage::Joining;
                    if !self.seqs.is_empty() {
                        self.watch_markets(now_us, ledger);
                    }
                }
            }
        }
        if matches!(self.stage, Stage::Joining | Stage::Live) {
            while let Some((frame, after)) = frame::split(rest)? {
                rest = after;
                self.take(&frame, now_us, ledger)?;
            }
        }
        self.partial.clear();
        self.partial.extend_from_slice(rest);
        self.note_return(now_us, ledger);
        Ok(())
    }

    fn take(&mut self, frame: &Frame<'_>, now_us: u64, ledger: &mut Ledger) -> Result<(), End> {
        match frame.opcode {
            Opcode::Text => self.take_text(frame.payload, now_us, ledger),
            Opcode::Ping => {
                ledger.note("pings");
                frame::put_masked(
                    &mut self.out,
                    Opcode::Pong,
                    frame.payload,
                    fastrand::u32(..).to_le_bytes(),
                );
            }
            Opcode::Close => return Err(End::Closed(frame.close_code())),
            Opcode::Pong => {}
            Opcode::Binary => ledger.note("strange_frames"),
        }
        Ok(())
    }

    fn take_text(&mut self, json: &[u8], now_us: u64, ledger: &mut Ledger) {
        match scan::kind(json) {
            Kind::Message => match scan::last_number(json, br#""offset""#) {
                Some(offset) => self.take_message(json, offset, now_us, ledger),
                None => ledger.note("strange_frames"),
            },
            Kind::Tick => tick::take(json, &mut self.seqs, ledger),
            Kind::Ack => {
                ledger.note("acks");
                if let Some(stamp_us) =
                    scan::stamp_us(json).filter(|stamp_us| *stamp_us >= ledger.measure_from_us)
                {
                    ledger.time("ack", now_us.saturating_sub(stamp_us));
                }
            }
            Kind::Other => self.take_notice(json, now_us, ledger),
        }
    }

    fn take_message(&mut self, json: &[u8], offset: u64, now_us: u64, ledger: &mut Ledger) {
        let column = match (self.track.take(offset), self.role) {
            (Delivery::Recent | Delivery::Repeated, _) => return,
            (_, Role::SlowReader) => Column::Slow,
            (Delivery::Live, _) => Column::Live,
            (Delivery::Recovered, _) => Column::Recovered,
        };
        ledger.deliver(json, column, now_us);
    }

    #[cold]
    fn take_notice(&mut self, json: &[u8], now_us: u64, ledger: &mut Ledger) {
        match serde_json::from_slice(json) {
            Ok(Notice::Joined { epoch, offset, recovered }) => {
                self.join(epoch, offset, recovered, now_us, ledger)
            }
            Ok(Notice::Error { code }) => {
                ledger.note(&format!("refused_{code}"));
                if self.role == Role::Publisher
                    && let Some(room) = ledger.rooms.get_mut(self.room)
                {
                    room.refused += 1;
                }
            }
            Ok(Notice::Unknown) => ledger.note("other_notices"),
            Err(_) => ledger.note("strange_frames"),
        }
    }

    fn join(
        &mut self,
        epoch: String,
        offset: u64,
        recovered: Option<bool>,
        now_us: u64,
        ledger: &mut Ledger,
    ) {
        if self.epoch.as_ref() == Some(&epoch) {
            self.track.resume(offset);
            ledger.note(if recovered == Some(true) { "recovered" } else { "unrecovered" });
        } else {
            self.track.join(offset);
            if self.epoch.is_some() {
                ledger.note("epoch_changes");
            }
            if let Some(room) = ledger.rooms.get_mut(self.room) {
                room.base.get_or_insert(offset);
            }
        }
        self.epoch = Some(epoch);
        if self.stage == Stage::Joining {
            self.go_live(now_us, ledger);
        }
    }

    /// On the price dialect nobody answers a newcomer: it asks, and is there.
    fn watch_markets(&mut self, now_us: u64, ledger: &mut Ledger) {
        for market in &ledger.markets {
            let mask = fastrand::u32(..).to_le_bytes();
            frame::put_masked(&mut self.out, Opcode::Text, tick::watch(market).as_bytes(), mask);
        }
        self.go_live(now_us, ledger);
    }

    fn go_live(&mut self, now_us: u64, ledger: &mut Ledger) {
        self.stage = Stage::Live;
        self.attempts = 0;
        ledger.live += 1;
        ledger.time("connect", now_us.saturating_sub(self.since_us));
    }

    fn note_return(&mut self, now_us: u64, ledger: &mut Ledger) {
        if self.away_since_us.is_some() && self.stage == Stage::Live && self.track.is_caught_up() {
            let away_since_us = self.away_since_us.take().unwrap_or(now_us);
            ledger.away -= 1;
            ledger.time("return", now_us.saturating_sub(away_since_us));
        }
    }

    /// Writes what waits. Returns whether all of it is written.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn flush(&mut self) -> io::Result<bool> {
        self.spoke = false;
        let Some(mut stream) = self.stream.as_ref() else { return Ok(true) };
        if self.out.is_empty() {
            return Ok(true);
        }
        match stream.write(&self.out) {
            Ok(written) => {
                self.out.drain(..written);
                Ok(self.out.is_empty())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Forgets the connection; position and epoch stay.
    pub fn hang_up(&mut self) {
        self.stream = None;
        self.stage = Stage::Offline;
        self.life += 1;
        self.sips = false;
        self.out = Vec::new();
        self.partial = Vec::new();
    }
}
