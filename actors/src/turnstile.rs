//! [`Turnstile`]: rooms that have something to say and sockets that have something to write take turns.
//!
//! A message to ten thousand members makes ten thousand tasks ready at once. Tokio's queue for ready tasks holds 256 a
//! worker; the rest goes to a shared one that is served now and then, so under load some sockets waited for several
//! rounds while others wrote. Here they stand in line before they become ready. Whoever is given more meanwhile keeps
//! its place, so the longer the line, the more goes into one write and into one batch of a room: the server slows down
//! in steps of larger pieces instead of smaller shares.
//!
//! Rooms and sockets have a line each. One room has its turn, then the sockets that stand in line by then, then the next
//! room. So a room cannot fill its sockets faster than they are emptied, and a message waits one round: in its room's
//! inbox, until the room has its turn. What the room then says is written at once, and not after all the other rooms'
//! sockets, which would be a second round. Sockets that come later (acks, prices) cannot hold a room up.

use crate::limits::{TURNSTILE_MAX, TURNSTILE_MIN};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::task::JoinHandle;

/// The two lines of one shard.
#[derive(Default)]
pub struct Turnstile {
    lines: Mutex<Lines>,
}

#[derive(Default)]
struct Lines {
    sockets: VecDeque<Waker>,
    rooms: VecDeque<Waker>,
    /// Sockets that come before the next room: those that stand here after the last room had its turn. `None` until
    /// they are counted.
    ahead: Option<usize>,
    /// The task that lets them through, while it sleeps because nobody waits.
    keeper: Option<Waker>,
}

impl Turnstile {
    /// Puts a socket at the end of its line. None stands there twice: an outbox gives its waker away when it queues.
    pub(crate) fn queue_socket(&self, who: Waker) {
        self.queue(|lines| &mut lines.sockets, who);
    }

    /// Puts a room at the end of its line. None stands there twice: a room's inbox wakes its room once per burst.
    pub(crate) fn queue_room(&self, who: Waker) {
        self.queue(|lines| &mut lines.rooms, who);
    }

    fn queue(&self, line: impl FnOnce(&mut Lines) -> &mut VecDeque<Waker>, who: Waker) {
        let mut lines = self.lines.lock();
        line(&mut lines).push_back(who);
        let keeper = lines.keeper.take();
        drop(lines);
        if let Some(keeper) = keeper {
            keeper.wake();
        }
    }

    /// Starts to let them through, for as long as the handle is not aborted.
    pub(crate) fn start(self: &Arc<Self>) -> JoinHandle<()> {
        let turnstile = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                for who in poll_fn(|context| turnstile.poll_next(context)).await {
                    who.wake();
                }
                // Those that were let through have their turn before the next ones.
                to_the_end_of_the_queue().await;
            }
        })
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Vec<Waker>> {
        let mut lines = self.lines.lock();
        let waiting = lines.sockets.len();
        let ahead = *lines.ahead.get_or_insert(waiting);
        if ahead == 0
            && let Some(room) = lines.rooms.pop_front()
        {
            lines.ahead = None;
            return Poll::Ready(vec![room]);
        }
        if waiting == 0 {
            lines.keeper = Some(context.waker().clone());
            return Poll::Pending;
        }
        // A part of the line: a long one moves faster.
        let count = (waiting / 16).clamp(TURNSTILE_MIN, TURNSTILE_MAX).min(waiting);
        lines.ahead = Some(ahead.saturating_sub(count));
        Poll::Ready(lines.sockets.drain(..count).collect())
    }
}

/// Lets every task run that is ready now. Tokio's `yield_now` would wait for more: for the next look at the network.
async fn to_the_end_of_the_queue() {
    let mut has_waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Notes as how manieth it was woken.
    struct Guest {
        order: Arc<AtomicUsize>,
        came: AtomicUsize,
    }

    impl std::task::Wake for Guest {
        fn wake(self: Arc<Self>) {
            self.came.store(self.order.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
        }
    }

    fn guests(count: usize) -> Vec<Arc<Guest>> {
        let order = Arc::new(AtomicUsize::new(0));
        let guest = || Arc::new(Guest { order: Arc::clone(&order), came: AtomicUsize::new(usize::MAX) });
        std::iter::repeat_with(guest).take(count).collect()
    }

    #[tokio::test]
    async fn all_come_through_in_the_order_in_which_they_queued() {
        let turnstile = Arc::new(Turnstile::default());
        let guests = guests(10_000);
        guests.iter().for_each(|guest| turnstile.queue_socket(Waker::from(Arc::clone(guest))));
        let keeper = turnstile.start();
        while guests.iter().any(|guest| guest.came.load(Ordering::SeqCst) == usize::MAX) {
            tokio::task::yield_now().await;
        }
        keeper.abort();
        let came: Vec<_> = guests.iter().map(|guest| guest.came.load(Ordering::SeqCst)).collect();
        assert_eq!(came, (0..10_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_room_comes_after_the_sockets_of_the_room_before_and_no_others() {
        let turnstile = Turnstile::default();
        let [rooms, filled, late] = [2, 40, 40].map(guests);
        let came = |guests: &[Arc<Guest>]| {
            guests.iter().filter(|guest| guest.came.load(Ordering::SeqCst) != usize::MAX).count()
        };
        let turn = || match turnstile.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(turn) => turn.into_iter().for_each(Waker::wake),
            Poll::Pending => panic!("somebody waits"),
        };
        rooms.iter().for_each(|room| turnstile.queue_room(Waker::from(Arc::clone(room))));
        turn();
        assert_eq!(came(&rooms), 1);
        filled.iter().for_each(|socket| turnstile.queue_socket(Waker::from(Arc::clone(socket))));
        turn();
        assert_eq!((came(&rooms), came(&filled)), (1, TURNSTILE_MIN));
        late.iter().for_each(|socket| turnstile.queue_socket(Waker::from(Arc::clone(socket))));
        while came(&rooms) == 1 {
            turn();
        }
        assert_eq!(came(&filled), filled.len(), "a room waits for the sockets of the one before");
        assert!(came(&late) < TURNSTILE_MIN, "and not for those that came later");
        while came(&late) < late.len() {
            turn();
        }
    }

    #[test]
    fn a_turn_is_never_more_than_a_run_queue_holds_and_a_sleeping_keeper_is_woken() {
        let turnstile = Turnstile::default();
        let (keeper, guests) = (guests(1), guests(5_000));
        let waker = Waker::from(Arc::clone(&keeper[0]));
        assert!(turnstile.poll_next(&mut Context::from_waker(&waker)).is_pending());
        guests.iter().for_each(|guest| turnstile.queue_socket(Waker::from(Arc::clone(guest))));
        assert_eq!(keeper[0].came.load(Ordering::SeqCst), 0);
        let mut left = guests.len();
        while left > 0 {
            let Poll::Ready(turn) = turnstile.poll_next(&mut Context::from_waker(&waker)) else {
                panic!("{left} left")
            };
            assert!(!turn.is_empty() && turn.len() <= TURNSTILE_MAX);
            left -= turn.len();
        }
    }
}
