//! One WebSocket: who may connect, what a client may say, what it is told, how it ends.

mod streams;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::SinkExt;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};

use crate::connections::Seat;
use crate::exchange::Hall;
use crate::faults::State as FaultState;
use crate::floor::{Event, Floor};
use crate::guard;
use crate::limit::{Group, MessageGate};
use crate::request::{self, Format, Request, RequestError, Stream, Subscription};
use streams::{Outgoing, Streams, market_of, snapshots};

/// Upbit hangs up this long after an error frame.
const ERROR_TO_CLOSE: Duration = Duration::from_millis(150);

/// How long the other side has to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Books leave on a grid of this, candles on one of [`CANDLE_BEAT`].
const BOOK_BEAT: Duration = Duration::from_millis(100);
const CANDLE_BEAT: Duration = Duration::from_secs(1);

const STATUS_UP: &str = r#"{"status":"UP"}"#;

/// Requests are small: all 855 codes take 10 kB.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;
const READ_BUFFER_BYTES: usize = 4 * 1024;
const WRITE_BUFFER_BYTES: usize = 16 * 1024;
const MAX_WRITE_BUFFER_BYTES: usize = 1024 * 1024;

/// `GET /websocket/v1`.
pub(crate) async fn connect(
    State(hall): State<Arc<Hall>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(status) = hall.faults.refused_connects() {
        return guard::refusal(status);
    }
    let limits = match guard::admit(&hall, Group::WebSocket, &headers) {
        Ok(limits) => limits,
        Err(status) => return guard::refusal(status),
    };
    // The session exists before the client learns that it is connected, so that no event can fall between.
    let session = Session::new(hall);
    let response = upgrade
        .max_message_size(MAX_MESSAGE_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .on_upgrade(|socket| session.run(socket));
    (limits, response).into_response()
}

/// Why a socket ends.
enum End {
    /// The client is gone, or too far behind, or idle: TCP ends without a word.
    Silent,
    /// The client closed.
    Closed,
    /// The client broke a rule and is told which.
    Refused(RequestError),
}

impl From<axum::Error> for End {
    fn from(_: axum::Error) -> Self {
        Self::Silent
    }
}

/// What the exchange knows about one client.
struct Session {
    hall: Arc<Hall>,
    seat: Seat,
    events: broadcast::Receiver<Event>,
    faults: watch::Receiver<FaultState>,
    /// How often all connections had been dropped when this one began.
    drops: u64,
    messages: MessageGate,
    format: Format,
    /// The live subscriptions.
    running: Vec<Subscription>,
    /// The same, by market, with what is due at the next beat.
    streams: Streams,
    /// When due books and candles leave; none is due without.
    book_beat: Option<Instant>,
    candle_beat: Option<Instant>,
    /// The last frame of each type and market, while late duplicates are sent.
    former: HashMap<(Stream, Arc<str>), String>,
    /// The last event that the snapshot contained; only later ones are news.
    seen: u64,
    /// The beat of the status frames, once asked for.
    status: Option<Interval>,
    /// When something last went either way.
    last_activity: Instant,
}

impl Session {
    fn new(hall: Arc<Hall>) -> Self {
        let faults = hall.faults.watch();
        let drops = faults.borrow().drops;
        Self {
            seat: hall.connections.join(),
            events: hall.events.subscribe(),
            faults,
            drops,
            messages: MessageGate::new(&hall.config.limits),
            format: Format::default(),
            running: Vec::new(),
            streams: Streams::default(),
            book_beat: None,
            candle_beat: None,
            former: HashMap::new(),
            seen: 0,
            status: None,
            last_activity: Instant::now(),
            hall,
        }
    }

    /// Serves the client to its end. A dropped connection is dropped in the middle of whatever it does.
    async fn run(mut self, mut socket: WebSocket) {
        let dropped = dropped(self.faults.clone(), self.drops);
        tokio::select! {
            biased;
            () = dropped => {}
            () = self.serve(&mut socket) => {}
        }
    }

    async fn serve(&mut self, socket: &mut WebSocket) {
        let end = loop {
            if let Err(end) = self.step(socket).await {
                break end;
            }
        };
        match end {
            End::Silent => {}
            End::Closed => drain(socket).await,
            End::Refused(error) => self.hang_up(socket, &error).await,
        }
    }

    /// Waits for the next thing to do and does it. A stall comes before everything else.
    async fn step(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        self.sit_out_stall().await;
        let idle_in = self.hall.config.idle_close.saturating_sub(self.last_activity.elapsed());
        tokio::select! {
            biased;
            _ = self.faults.changed() => Ok(()),
            message = socket.recv() => match message {
                Some(message) => self.hear(socket, message?).await,
                None => Err(End::Silent),
            },
            () = beat(&mut self.status) => self.say(socket, STATUS_UP.to_owned()).await,
            () = until(self.book_beat) => {
                self.book_beat = None;
                self.tell_due(socket, Streams::take_books).await
            }
            () = until(self.candle_beat) => {
                self.candle_beat = None;
                self.tell_due(socket, Streams::take_candles).await
            }
            event = self.events.recv() => self.tell(socket, event).await,
            () = sleep(idle_in) => Err(End::Silent),
        }
    }

    /// Returns at once unless the exchange is stalled. What happened meanwhile is lost.
    async fn sit_out_stall(&mut self) {
        if !self.faults.borrow_and_update().stalled {
            return;
        }
        // The sender lives in the hall, which this session holds.
        let _ = self.faults.wait_for(|state| !state.stalled).await;
        self.events = self.events.resubscribe();
        self.last_activity = Instant::now();
    }

    async fn hear(&mut self, socket: &mut WebSocket, message: Message) -> Result<(), End> {
        self.last_activity = Instant::now();
        match message {
            // The protocol's own pong goes out with the next read.
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(End::Closed),
            Message::Binary(_) => Err(End::Refused(RequestError::WrongFormat)),
            Message::Text(_) if !self.messages.admits(self.hall.now()) => {
                Err(End::Refused(RequestError::TooManyRequests))
            }
            Message::Text(text) if text.as_str() == "PING" => {
                self.start_status().await;
                Ok(())
            }
            Message::Text(text) => match request::parse(&text).map_err(End::Refused)? {
                Request::Subscribe { subscriptions, format } => {
                    self.subscribe(socket, subscriptions, format).await
                }
                Request::List { ticket, format } => {
                    self.format = format.unwrap_or(self.format);
                    let reply = request::list_reply(&ticket, &self.running, self.format);
                    self.say(socket, reply).await
                }
            },
        }
    }

    /// Status frames come on the server's clock, not the client's: the first one some part of an interval
    /// later.
    async fn start_status(&mut self) {
        if self.status.is_some() {
            return;
        }
        let period = self.hall.config.status_interval.max(Duration::from_millis(1));
        let mut interval = interval_at(self.hall.opened, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The beat at which the exchange opened is over; it only sets the phase.
        interval.tick().await;
        self.status = Some(interval);
    }

    /// Puts `subscriptions` in the place of the former ones and sends the snapshots.
    async fn subscribe(
        &mut self,
        socket: &mut WebSocket,
        mut subscriptions: Vec<Subscription>,
        format: Format,
    ) -> Result<(), End> {
        let snapshots = {
            let floor = self.hall.floor.lock();
            for subscription in &mut subscriptions {
                // Codes that do not exist are passed over in silence. A book's code may carry its depth.
                subscription.codes.retain(|code| floor.ticker(market_of(code)).is_some());
            }
            self.seen = floor.sequence();
            snapshots(&subscriptions, &floor, format)
        };
        self.format = format;
        subscriptions.retain(|subscription| subscription.realtime && !subscription.codes.is_empty());
        self.streams = Streams::of(&subscriptions);
        self.running = subscriptions;
        let live = self.running.iter().flat_map(|of| &of.codes).map(|code| market_of(code).to_owned());
        self.seat.subscribe(live.collect());
        self.deliver(socket, snapshots).await?;
        Ok(socket.flush().await?)
    }

    /// Passes on an event, if it is for this client.
    async fn tell(
        &mut self,
        socket: &mut WebSocket,
        event: Result<Event, broadcast::error::RecvError>,
    ) -> Result<(), End> {
        match event {
            Ok(Event::Moved { sequence, ticker, is_trade }) => {
                if sequence > self.seen {
                    let frames = self.streams.moved(&ticker, is_trade, self.format);
                    self.set_beats();
                    self.deliver(socket, frames).await?;
                }
                // Under load many frames leave in one write.
                if self.events.is_empty() { Ok(socket.flush().await?) } else { Ok(()) }
            }
            Ok(Event::Raw(bytes)) => {
                self.last_activity = Instant::now();
                Ok(socket.send(Message::Binary(bytes)).await?)
            }
            Ok(Event::Error { name, message }) => Err(End::Refused(RequestError::Injected { name, message })),
            Err(behind) => {
                tracing::warn!(%behind, "socket reads too slowly and is ended");
                Err(End::Silent)
            }
        }
    }

    /// Plans the next beats for what has become due.
    fn set_beats(&mut self) {
        if self.book_beat.is_none() && self.streams.has_due_books() {
            self.book_beat = Some(self.next_beat(BOOK_BEAT));
        }
        if self.candle_beat.is_none() && self.streams.has_due_candles() {
            self.candle_beat = Some(self.next_beat(CANDLE_BEAT));
        }
    }

    /// Beats are those of the server, the same for all sockets.
    fn next_beat(&self, period: Duration) -> Instant {
        let opened = self.hall.opened;
        let beats = opened.elapsed().as_millis() / period.as_millis().max(1);
        opened + period * u32::try_from(beats + 1).unwrap_or(u32::MAX)
    }

    async fn tell_due(
        &mut self,
        socket: &mut WebSocket,
        take: fn(&mut Streams, &Floor, Format) -> Vec<Outgoing>,
    ) -> Result<(), End> {
        let frames = take(&mut self.streams, &self.hall.floor.lock(), self.format);
        self.deliver(socket, frames).await?;
        Ok(socket.flush().await?)
    }

    /// Writes data frames, as distorted as they are to be, into the socket's buffer.
    async fn deliver(&mut self, socket: &mut WebSocket, frames: Vec<Outgoing>) -> Result<(), End> {
        let distortion = self.faults.borrow().distortion;
        if !distortion.late_duplicates {
            self.former.clear();
        }
        for Outgoing { stream, code, json } in frames {
            if self.is_muted(&code) {
                continue;
            }
            self.last_activity = Instant::now();
            let json = distortion.apply(json);
            if !distortion.late_duplicates {
                socket.feed(self.frame(json)).await?;
                continue;
            }
            socket.feed(self.frame(json.clone())).await?;
            if let Some(former) = self.former.insert((stream, code), json) {
                socket.feed(self.frame(former)).await?;
            }
        }
        Ok(())
    }

    fn is_muted(&self, code: &str) -> bool {
        self.faults.borrow().muted.contains(code)
    }

    async fn say(&mut self, socket: &mut WebSocket, text: String) -> Result<(), End> {
        self.last_activity = Instant::now();
        Ok(socket.send(self.frame(text)).await?)
    }

    /// Upbit sends its JSON in binary frames.
    fn frame(&self, text: String) -> Message {
        if self.hall.config.text_frames { Message::text(text) } else { Message::Binary(Bytes::from(text)) }
    }

    /// Says what was wrong, waits as Upbit does, and closes.
    async fn hang_up(&mut self, socket: &mut WebSocket, error: &RequestError) {
        if self.say(socket, error.to_json()).await.is_err() {
            return;
        }
        sleep(ERROR_TO_CLOSE).await;
        let close = CloseFrame { code: close_code::NORMAL, reason: "".into() };
        if socket.send(Message::Close(Some(close))).await.is_ok() {
            drain(socket).await;
        }
    }
}

/// Completes when a connection that began after `drops` drops is to be dropped itself.
async fn dropped(mut faults: watch::Receiver<FaultState>, drops: u64) {
    // An error means that the exchange itself is gone, which ends the socket too.
    let _ = faults.wait_for(|state| state.closed || state.drops != drops).await;
}

/// Returns at `beat`; never, without one.
async fn until(beat: Option<Instant>) {
    match beat {
        Some(beat) => sleep_until(beat).await,
        None => std::future::pending().await,
    }
}

/// The next beat; never, without a beat.
async fn beat(status: &mut Option<Interval>) {
    match status {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

/// Reads until the other side has answered the close frame, or for a second.
async fn drain(socket: &mut WebSocket) {
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    // Whoever does not answer is left behind.
    let _ = timeout(CLOSE_TIMEOUT, rest).await;
}
