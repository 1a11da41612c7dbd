//! The floor to compare with: what this kernel can deliver when a server does nothing but deliver.
//!
//! One thread, one `epoll`. The `room` of a request chooses a group; what one member says, all get, with an offset. There
//! are no accounts, no history, no storage, and the content is found by a scan and not by a parser. A message is encoded
//! once, into its group's log; each member has a place in that log and gets everything behind it in one write. So a
//! member costs one `send` a turn, however many messages the turn brought.

mod group;
mod peer;

use anyhow::Context;
use rustix::event::epoll::{self, Event, EventData, EventFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, ipproto, listen, socket_with, sockopt};
use std::collections::HashMap;
use std::net::{SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::limits::{EVENTS, READ_BYTES, RELAY_ACCEPTS};
use crate::target::Target;
use group::Group;
use peer::{Heard, Peer};

/// Connections that wait to be accepted; the kernel may allow fewer.
const BACKLOG: i32 = 4096;

/// Marks the listener's events.
const LISTENER: u64 = u64::MAX;

/// How often `run` looks whether it should stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The relay.
pub struct Relay {
    epoll: OwnedFd,
    listener: TcpListener,
    peers: Vec<Option<Peer>>,
    free: Vec<usize>,
    groups: Vec<Group>,
    names: HashMap<String, usize>,
    buffer: Box<[u8]>,
}

impl Relay {
    /// Listens. The address is a [`Target`], so it is one on loopback.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn bind(address: Target) -> anyhow::Result<Self> {
        Self::listen(address.address())
    }

    /// Listens on any free port of loopback.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn bind_anywhere() -> anyhow::Result<Self> {
        Self::listen(SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0))
    }

    fn listen(address: SocketAddrV4) -> anyhow::Result<Self> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, Some(ipproto::TCP))?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &address).with_context(|| format!("cannot listen on {address}"))?;
        listen(&socket, BACKLOG)?;
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &socket, EventData::new_u64(LISTENER), EventFlags::IN)?;
        Ok(Self {
            epoll,
            listener: socket.into(),
            peers: Vec::new(),
            free: Vec::new(),
            groups: Vec::new(),
            names: HashMap::new(),
            buffer: vec![0; READ_BYTES].into(),
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn target(&self) -> anyhow::Result<Target> {
        Ok(self.listener.local_addr()?.to_string().parse()?)
    }

    /// Serves until it should stop.
    ///
    /// # Errors
    ///
    /// The kernel's. What goes wrong with one peer ends only that peer.
    pub fn run(&mut self, should_stop: impl Fn() -> bool) -> anyhow::Result<()> {
        let timeout = LOOK_EVERY.try_into()?;
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        while !should_stop() {
            events.clear();
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    index => self.on_event(usize::try_from(index)?, event.flags),
                }
            }
            for group in 0..self.groups.len() {
                self.deliver(group);
            }
        }
        Ok(())
    }

    fn accept(&mut self) -> anyhow::Result<()> {
        for _ in 0..RELAY_ACCEPTS {
            // Nobody there, or no more files: who comes stays in the backlog.
            let Ok((stream, _)) = self.listener.accept() else { return Ok(()) };
            self.welcome(stream)?;
        }
        Ok(())
    }

    fn welcome(&mut self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let index = self.free.pop().unwrap_or(self.peers.len());
        epoll::add(&self.epoll, &stream, EventData::new_u64(u64::try_from(index)?), EventFlags::IN)?;
        let peer = Some(Peer::new(stream));
        match self.peers.get_mut(index) {
            Some(place) => *place = peer,
            None => self.peers.push(peer),
        }
        Ok(())
    }

    fn on_event(&mut self, index: usize, flags: EventFlags) {
        let can_go_on = (!flags.contains(EventFlags::OUT) || self.write(index))
            && (!flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) || self.read(index));
        if !can_go_on {
            self.part_with(index);
        }
    }

    /// Reads once. Returns whether the peer can go on.
    fn read(&mut self, index: usize) -> bool {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return true };
        let Ok(heard) = peer.read(&mut self.buffer) else { return false };
        match heard {
            Heard::Nothing => !peer.is_done,
            Heard::Join(room) => {
                let group = self.group(room);
                self.join(index, group);
                self.write(index)
            }
            Heard::Said(contents) => {
                if let Some(group) = peer.group.and_then(|group| self.groups.get_mut(group)) {
                    contents.iter().for_each(|content| group.say(content));
                }
                true
            }
        }
    }

    fn group(&mut self, room: String) -> usize {
        *self.names.entry(room).or_insert_with_key(|room| {
            self.groups.push(Group::new(room));
            self.groups.len() - 1
        })
    }

    fn join(&mut self, index: usize, number: usize) {
        if let (Some(Some(peer)), Some(group)) = (self.peers.get_mut(index), self.groups.get_mut(number)) {
            peer.enter(number, group);
            group.members.push(index);
        }
    }

    /// Writes what the peer has not got yet. Returns whether it can go on.
    fn write(&mut self, index: usize) -> bool {
        let Some(Some(peer)) = self.peers.get_mut(index) else { return true };
        let group = peer.group.and_then(|group| self.groups.get(group));
        let was_blocked = peer.is_blocked;
        if peer.write(group).is_err() {
            return false;
        }
        if was_blocked != peer.is_blocked {
            let mut flags = EventFlags::IN;
            flags.set(EventFlags::OUT, peer.is_blocked);
            let token = EventData::new_u64(u64::try_from(index).unwrap_or(LISTENER - 1));
            return epoll::modify(&self.epoll, &peer.stream, token, flags).is_ok();
        }
        !peer.is_done
    }

    /// Gives all members what was said since the last time.
    fn deliver(&mut self, number: usize) {
        let Some(group) = self.groups.get_mut(number).filter(|group| group.is_dirty()) else { return };
        group.mark_clean();
        let members = std::mem::take(&mut group.members);
        let mut gone = Vec::new();
        let mut least = group.end();
        for &index in &members {
            let is_blocked =
                self.peers.get(index).and_then(Option::as_ref).is_some_and(|peer| peer.is_blocked);
            if !is_blocked && !self.write(index) {
                gone.push(index);
            }
            let peer = self.peers.get(index).and_then(Option::as_ref);
            least = peer.map_or(least, |peer| peer.sent.min(least));
        }
        if let Some(group) = self.groups.get_mut(number) {
            group.members = members;
            group.forget(least);
        }
        gone.into_iter().for_each(|index| self.part_with(index));
    }

    fn part_with(&mut self, index: usize) {
        let Some(peer) = self.peers.get_mut(index).and_then(Option::take) else { return };
        self.free.push(index);
        if let Some(group) = peer.group.and_then(|group| self.groups.get_mut(group))
            && let Some(place) = group.members.iter().position(|member| *member == index)
        {
            group.members.swap_remove(place);
        }
    }
}
