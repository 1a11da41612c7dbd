//! The swarm: thousands of clients on one thread, around one `epoll`.
//!
//! A turn is all there is: sleep until a socket, an alarm or a message is due; read what came; ring the
//! alarms; say what is due. Plans turn it until what they wait for has happened.
//!
//! `rustix` and not `mio`, because the sockets need what only the kernel's own calls give: a source address, a receive
//! buffer set before the handshake, a reset instead of a close, level-triggered events and `epoll_pwait2`'s
//! sub-millisecond sleep. A runtime is left out: a wake-up of a task costs more than reading its frame.

mod line;
mod publish;

pub use line::Weather;

use rustix::event::epoll::{self, Event, EventFlags};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use crate::alarm::{Act, Alarms};
use crate::client::{Client, End, Role, Stage};
use crate::clock;
use crate::ledger::Ledger;
use crate::limits::{EVENTS, READ_BYTES};
use crate::outcome::Outcome;
use crate::pacer::Pacer;
use crate::scenario::{Crowd, Load};
use crate::talk::Talk;
use crate::target::Target;

/// What a swarm is made of.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// The server.
    pub target: Target,
    /// Access tokens, shared by the clients in turn; none for a server without accounts.
    pub tokens: &'a [String],
    /// Who comes.
    pub crowd: &'a Crowd,
    /// What is said.
    pub load: &'a Load,
    /// The number of the first room.
    pub first_room: usize,
    /// Slow readers among the readers.
    pub slow: Option<Slow>,
    /// Markets to watch instead of rooms to join.
    pub markets: &'a [String],
    /// Whether a client whose connection breaks comes back.
    pub returns: bool,
}

/// Readers that can be made slow.
#[derive(Debug, Clone, Copy)]
pub struct Slow {
    /// How many.
    pub readers: usize,
    /// Their `SO_RCVBUF`.
    pub receive_buffer_bytes: usize,
    /// What they read four times a second while they are slow.
    pub sip_bytes: usize,
}

/// The clients and what drives them.
pub struct Swarm<'a> {
    setup: Setup<'a>,
    epoll: OwnedFd,
    clients: Vec<Client>,
    publishers: usize,
    /// Clients that wait for their first connection.
    waiting: VecDeque<usize>,
    /// How many may have come by now.
    invited: usize,
    /// How long their coming has taken.
    gather_us: u64,
    /// Admits them.
    admission: Option<Pacer>,
    alarms: Alarms,
    talk: Talk,
    speech: Option<Pacer>,
    weather: Option<Weather>,
    buffer: Box<[u8]>,
    events: Vec<Event>,
    now_us: u64,
    fatal: Option<anyhow::Error>,
    /// The books.
    pub ledger: Ledger,
}

impl<'a> Swarm<'a> {
    /// A swarm of which nobody has come yet. The publishers have the first numbers.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn new(setup: Setup<'a>) -> anyhow::Result<Self> {
        let crowd = setup.crowd;
        let (rooms, publishers) = (crowd.rooms, crowd.rooms * crowd.publishers_per_room);
        let slow = setup.slow.map_or(0, |slow| slow.readers);
        let role = |index| match index {
            index if index < publishers => Role::Publisher,
            index if index < publishers + slow => Role::SlowReader,
            _ => Role::Reader,
        };
        let mut clients: Vec<_> =
            (0..crowd.sockets()).map(|index| Client::new(index % rooms, role(index))).collect();
        for client in &mut clients {
            client.seqs = vec![0; setup.markets.len()];
        }
        let mut ledger = Ledger::new(rooms);
        ledger.markets = setup.markets.to_vec();
        Ok(Self {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            waiting: (0..clients.len()).collect(),
            invited: 0,
            gather_us: 0,
            clients,
            publishers,
            admission: None,
            alarms: Alarms::default(),
            talk: Talk::new(setup.load.content_bytes, setup.load.acks),
            speech: None,
            weather: None,
            buffer: vec![0; READ_BYTES].into(),
            events: Vec::with_capacity(EVENTS),
            now_us: clock::now_us(),
            fatal: None,
            ledger,
            setup,
        })
    }

    /// Turns until `is_done`, at most until `deadline_us`. Returns whether it was done.
    ///
    /// # Errors
    ///
    /// What no run can go on after: no more ports or files, a handshake refused for good.
    pub fn run_until(&mut self, deadline_us: u64, is_done: impl Fn(&Self) -> bool) -> anyhow::Result<bool> {
        loop {
            if is_done(self) {
                return Ok(true);
            }
            if self.now_us >= deadline_us {
                return Ok(false);
            }
            self.turn(deadline_us)?;
        }
    }

    /// Turns for so long.
    ///
    /// # Errors
    ///
    /// As [`run_until`](Self::run_until).
    pub fn run_for(&mut self, us: u64) -> anyhow::Result<()> {
        let deadline_us = clock::now_us() + us;
        self.run_until(deadline_us, |_| false).map(drop)
    }

    fn turn(&mut self, deadline_us: u64) -> anyhow::Result<()> {
        self.sleep(deadline_us)?;
        self.now_us = clock::now_us();
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            if let Ok(index) = usize::try_from(event.data.u64()) {
                self.on_event(index, event.flags);
            }
        }
        self.events = events;
        self.now_us = clock::now_us();
        self.admit();
        while let Some(alarm) = self.alarms.take_due(self.now_us) {
            if self.clients.get(alarm.client).is_some_and(|client| client.life == alarm.life) {
                self.on_alarm(alarm.client, alarm.act);
            }
        }
        self.publish();
        self.fatal.take().map_or(Ok(()), Err)
    }

    fn sleep(&mut self, deadline_us: u64) -> anyhow::Result<()> {
        let now_us = clock::now_us();
        let admission_us = self.admission.as_ref().filter(|_| self.may_admit()).and_then(Pacer::next_us);
        // Messages that fall due within a tick are said together.
        let speech_us = self.speech.as_ref().and_then(Pacer::next_us);
        let speech_us = speech_us.map(|due_us| due_us.max(now_us + crate::limits::PUBLISH_TICK_US));
        let next = [self.alarms.next_us(), admission_us, speech_us].into_iter().flatten().min();
        let wait_us = next.unwrap_or(deadline_us).min(deadline_us).saturating_sub(now_us);
        let timeout = std::time::Duration::from_micros(wait_us).try_into()?;
        self.events.clear();
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut self.events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn on_event(&mut self, index: usize, flags: EventFlags) {
        let Some(client) = self.clients.get(index) else { return };
        if client.stage == Stage::Connecting {
            return self.upgrade(index);
        }
        if flags.contains(EventFlags::OUT) {
            self.flush(index);
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.read(index, READ_BYTES);
        }
    }

    fn on_alarm(&mut self, index: usize, act: Act) {
        let Some(client) = self.clients.get(index) else { return };
        match act {
            Act::Connect => self.reconnect(index),
            Act::GiveUp if client.stage == Stage::Live => {}
            Act::GiveUp => self.lose(index, &End::TimedOut),
            Act::Cut => self.cut_by_weather(index),
            Act::Sip => self.sip(index),
            Act::WakeUp => self.wake_up(index),
        }
    }

    fn read(&mut self, index: usize, at_most: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        let ended = match client.fill(&mut self.buffer, at_most) {
            Ok(None) => return,
            Ok(Some(filled)) => {
                let bytes = self.buffer.get(..filled).unwrap_or_default();
                client.digest(bytes, clock::now_us(), &mut self.ledger)
            }
            Err(error) => Err(End::Broken(error)),
        };
        match ended {
            Err(end) => self.lose(index, &end),
            Ok(()) if !client.out.is_empty() => self.flush(index),
            Ok(()) => {}
        }
    }

    /// The clients.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// What was measured, once the run is over.
    pub fn into_outcome(self) -> Outcome {
        self.ledger.outcome
    }

    /// Now, as the current turn has it.
    pub const fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Numbers of the clients with this role.
    pub fn with_role(&self, role: Role) -> Vec<usize> {
        let of_role = self.clients.iter().enumerate().filter(|(_, client)| client.role == role);
        of_role.map(|(index, _)| index).collect()
    }
}
