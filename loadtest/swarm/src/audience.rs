//! Listeners of event streams: thousands of them on one thread, around one `epoll`.
//!
//! A listener is let in, hears, and never speaks. Which of the accounts it belongs to tells how many notifications it
//! has to get.

use anyhow::{Context, ensure};
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::clock::now_us;
use crate::event_stream::{EventReader, Heard, StreamError};
use crate::ledger::{Column, Ledger};
use crate::limits::{EVENTS, READ_BYTES};
use crate::socket::begin_connect;
use crate::target::Target;

/// The longest sleep, so that whoever waits for something else than an event looks again.
const NAP: Duration = Duration::from_millis(20);

/// One listener.
#[derive(Debug)]
struct Listener {
    /// Gone when the stream has ended.
    stream: Option<TcpStream>,
    reader: EventReader,
    tally: Tally,
}

/// What a listener was told.
#[derive(Debug, Default)]
struct Tally {
    /// The id of the last notification.
    last_id: u64,
    notifications: u64,
}

/// The listeners.
pub struct Audience<'a> {
    target: Target,
    tokens: &'a [String],
    epoll: OwnedFd,
    listeners: Vec<Listener>,
    buffer: Box<[u8]>,
    events: Vec<Event>,
    /// The books.
    pub ledger: Ledger,
}

impl<'a> Audience<'a> {
    /// An audience of accounts with these tokens, who listen in turn. Nobody has come yet.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn new(target: Target, tokens: &'a [String]) -> anyhow::Result<Self> {
        Ok(Self {
            target,
            tokens,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            listeners: Vec::new(),
            buffer: vec![0; READ_BYTES].into(),
            events: Vec::with_capacity(EVENTS),
            ledger: Ledger::new(0),
        })
    }

    /// Lets listeners come until there are `all`, so many at a time.
    ///
    /// # Errors
    ///
    /// When one cannot, or they have not come in time.
    pub fn gather(&mut self, all: usize, at_a_time: usize, within_us: u64) -> anyhow::Result<()> {
        let deadline_us = now_us() + within_us;
        while self.ledger.live < all {
            while self.listeners.len() < all && self.listeners.len() - self.ledger.live < at_a_time {
                self.connect()?;
            }
            ensure!(self.ledger.lost == 0, "a listener was turned away: {:?}", self.ledger.outcome.counts);
            ensure!(now_us() < deadline_us, "only {} of {all} listeners came in time", self.ledger.live);
            self.listen(NAP)?;
        }
        Ok(())
    }

    /// Listens until `is_done`, at most for so long. Returns whether it was done.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn listen_until(&mut self, within_us: u64, is_done: impl Fn(&Self) -> bool) -> anyhow::Result<bool> {
        let deadline_us = now_us() + within_us;
        loop {
            if is_done(self) {
                return Ok(true);
            }
            if now_us() >= deadline_us {
                return Ok(false);
            }
            self.listen(NAP)?;
        }
    }

    /// How many notifications each listener got.
    pub fn told(&self) -> impl Iterator<Item = u64> {
        self.listeners.iter().map(|listener| listener.tally.notifications)
    }

    fn connect(&mut self) -> anyhow::Result<()> {
        let index = self.listeners.len();
        let stream = begin_connect(Target::source(index), self.target.address(), None)?;
        epoll::add(&self.epoll, &stream, EventData::new_u64(u64::try_from(index)?), EventFlags::OUT)?;
        let (stream, reader, tally) = (Some(stream), EventReader::default(), Tally::default());
        self.listeners.push(Listener { stream, reader, tally });
        Ok(())
    }

    fn listen(&mut self, at_most: Duration) -> anyhow::Result<()> {
        self.events.clear();
        let timeout = at_most.try_into()?;
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            let (index, flags) = (usize::try_from(event.data.u64())?, event.flags);
            if flags.contains(EventFlags::OUT) {
                self.ask(index)?;
            } else {
                self.hear(index);
            }
        }
        self.events = events;
        Ok(())
    }

    /// TCP stands: asks for the stream.
    fn ask(&mut self, index: usize) -> anyhow::Result<()> {
        let Some(listener) = self.listeners.get_mut(index) else { return Ok(()) };
        let Some(mut stream) = listener.stream.as_ref() else { return Ok(()) };
        let token = self.tokens.get(index % self.tokens.len().max(1)).map_or("", String::as_str);
        let request = format!(
            "GET /api/notifications/stream HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n",
            self.target.address()
        );
        // A socket that has just opened takes so little at once.
        stream.write_all(request.as_bytes()).context("cannot ask for a stream")?;
        let data = EventData::new_u64(u64::try_from(index)?);
        epoll::modify(&self.epoll, stream, data, EventFlags::IN)?;
        Ok(())
    }

    fn hear(&mut self, index: usize) {
        let Some(listener) = self.listeners.get_mut(index) else { return };
        let Some(mut stream) = listener.stream.as_ref() else { return };
        let ended = match stream.read(&mut self.buffer) {
            Ok(0) => Err(StreamError::Ended),
            Ok(read) => {
                let bytes = self.buffer.get(..read).unwrap_or_default();
                let tally = &mut listener.tally;
                listener.reader.take(bytes, |heard| tally.book(&heard, &mut self.ledger))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(_) => Err(StreamError::Ended),
        };
        if let Err(error) = ended {
            listener.stream = None;
            self.ledger.lost += 1;
            self.ledger.note(&match error {
                StreamError::Refused(status) => format!("streams_refused_{status}"),
                StreamError::Ended => "streams_ended".to_owned(),
                StreamError::Http(_) | StreamError::BadChunk | StreamError::TooLong => {
                    "strange_frames".to_owned()
                }
            });
        }
    }
}

impl Tally {
    fn book(&mut self, heard: &Heard<'_>, ledger: &mut Ledger) {
        match heard {
            Heard::Opened => ledger.live += 1,
            Heard::Notification { id, json } if *id > self.last_id => {
                self.last_id = *id;
                self.notifications += 1;
                ledger.deliver(json, Column::Live, now_us());
            }
            Heard::Notification { .. } => ledger.note("repeated"),
            Heard::Unread => ledger.note("unread_counts"),
            Heard::Other => {}
        }
    }
}
