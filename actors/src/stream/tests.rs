//! The race between what is read from the log and what comes live, run through at every point.

use super::*;
use crate::registry::Refused;
use crate::testing::notification;
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use tickroom_storage::{FamilyId, TimestampMs, UserId};

const ANN: i64 = 1;

/// A log in memory, with a counted step before and after each look at it.
#[derive(Default)]
struct Log {
    committed: Mutex<Vec<Notification>>,
    steps: AtomicUsize,
    /// What happens at a step.
    at: Mutex<Option<(usize, Happening)>>,
    is_down: Mutex<bool>,
}

type Happening = Box<dyn FnOnce(&Log) + Send>;

impl Log {
    fn step(&self) {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let mut at = self.at.lock();
        if at.as_ref().is_some_and(|(when, _)| *when == step) {
            let (_, happening) = at.take().unwrap();
            drop(at);
            happening(self);
        }
    }

    fn commit(&self, id: i64) {
        self.committed.lock().push(notification(id, ANN));
    }
}

#[async_trait]
impl NotificationLog for Log {
    async fn after(
        &self,
        reader: UserId,
        id: NotificationId,
        limit: u16,
    ) -> Result<Vec<Notification>, StorageError> {
        self.step();
        if *self.is_down.lock() {
            return Err(StorageError::Unavailable("the test took the log down".into()));
        }
        let committed = self.committed.lock().clone();
        self.step();
        let news = committed.into_iter().filter(|one| one.reader == reader && one.id > id);
        Ok(news.take(limit.into()).collect())
    }

    async fn by_ids(&self, _: &[NotificationId]) -> Result<Vec<Notification>, StorageError> {
        Ok(Vec::new())
    }

    async fn unread_counts(&self, readers: &[UserId]) -> Result<HashMap<UserId, u64>, StorageError> {
        self.step();
        let count = u64::try_from(self.committed.lock().len()).unwrap();
        Ok(readers.iter().map(|reader| (*reader, count)).collect())
    }
}

fn ann() -> Identity {
    Identity {
        user: UserId::new(ANN),
        name: "ann".into(),
        profile_url: None,
        family: Some(FamilyId::new(9)),
        expires_at: TimestampMs::new(0),
    }
}

fn terms() -> Terms {
    let heartbeat = Duration::from_secs(10);
    Terms { max: 100, max_per_user: 3, now_ms: 0, expires_in_ms: 60_000, heartbeat }
}

fn open(streams: &Arc<Streams>, log: &Arc<Log>, position: i64) -> (Stream, Arc<StreamSlot>) {
    let slot = streams.open(ann(), &terms()).unwrap();
    let position = NotificationId::new(position);
    (Stream::new(Arc::clone(streams), Arc::clone(&slot), log.clone(), position), slot)
}

/// All that the stream has to say now.
async fn all(stream: &mut Stream) -> (Vec<i64>, Vec<u64>, Option<End>) {
    let (mut ids, mut counts) = (Vec::new(), Vec::new());
    while let Ok(moment) = tokio::time::timeout(Duration::from_millis(10), stream.next()).await {
        match moment {
            Moment::Notifications(news) => ids.extend(news.iter().map(|one| one.id.get())),
            Moment::Unread(count) => counts.push(count),
            Moment::Heartbeat => {}
            Moment::End(end) => return (ids, counts, Some(end)),
        }
    }
    (ids, counts, None)
}

/// Commits and shows `id`, as the activity actor and the notifier do.
fn happen(log: &Log, slot: &StreamSlot, id: i64) {
    log.commit(id);
    slot.push(&Arc::new(notification(id, ANN)));
    slot.show_unread(u64::try_from(log.committed.lock().len()).unwrap());
}

#[tokio::test(start_paused = true)]
async fn whenever_something_happens_it_comes_once_and_in_order() {
    // Steps: before the log is read, after it was read, before the count; then beyond all of them.
    for (first, second) in (0..5).flat_map(|first| (first..6).map(move |second| (first, second))) {
        let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
        for id in 1..=3 {
            log.commit(id);
        }
        let (mut stream, slot) = open(&streams, &log, 1);
        let later = Arc::clone(&slot);
        *log.at.lock() = Some((
            first,
            Box::new(move |log| {
                happen(log, &later, 4);
                let last = Arc::clone(&later);
                *log.at.lock() = Some((second.max(first + 1), Box::new(move |log| happen(log, &last, 5))));
            }),
        ));
        let mut ids = all(&mut stream).await.0;
        let so_far = i64::try_from(log.committed.lock().len()).unwrap();
        (so_far + 1..=5).for_each(|id| happen(&log, &slot, id));
        let (rest, counts, end) = all(&mut stream).await;
        ids.extend(rest);
        assert_eq!(ids, [2, 3, 4, 5], "at steps {first} and {second}");
        assert!(counts.last().is_none_or(|count| *count == 5));
        assert_eq!(end, None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_before_the_first_look_is_in_the_log() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    let (mut stream, slot) = open(&streams, &log, 0);
    for id in 1..=200 {
        happen(&log, &slot, id);
    }
    let (ids, counts, end) = all(&mut stream).await;
    assert_eq!((ids, counts, end), ((1..=200).collect(), vec![200], None), "no queue has overflowed");
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_missed_is_read_again() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    let (mut stream, slot) = open(&streams, &log, 0);
    happen(&log, &slot, 1);
    assert_eq!(all(&mut stream).await.0, [1]);
    log.commit(2);
    happen(&log, &slot, 3);
    slot.catch_up();
    assert_eq!(all(&mut stream).await.0, [2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_sent_away_and_goes_on_where_it_was() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    let (mut stream, slot) = open(&streams, &log, 0);
    all(&mut stream).await;
    let many = i64::try_from(STREAM_NOTIFICATIONS).unwrap() + 1;
    for id in 1..=many {
        happen(&log, &slot, id);
    }
    let (ids, _, end) = all(&mut stream).await;
    assert_eq!((ids.len(), end), (0, Some(End::Slow)));
    let position = stream.position().get();
    drop(stream);
    let (mut stream, _slot) = open(&streams, &log, position);
    assert_eq!(all(&mut stream).await.0, (1..=many).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_down_ends_the_stream() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    *log.is_down.lock() = true;
    let (mut stream, _slot) = open(&streams, &log, 0);
    assert_eq!(all(&mut stream).await.2, Some(End::Unavailable));
}

#[tokio::test(start_paused = true)]
async fn time_brings_heartbeats_and_the_end_of_the_identity() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    let (mut stream, _slot) = open(&streams, &log, 0);
    all(&mut stream).await;
    let heartbeat = Duration::from_secs(10);
    streams.tick(12_001, heartbeat);
    assert_eq!(stream.next().await, Moment::Heartbeat);
    streams.tick(12_002, heartbeat);
    assert_eq!(all(&mut stream).await.2, None, "not before the next one is due");
    streams.tick(60_000, heartbeat);
    assert_eq!(all(&mut stream).await.2, Some(End::Expired));
}

#[tokio::test]
async fn places_are_counted_and_given_back() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    let open_ones: Vec<_> = (0..3).map(|_| open(&streams, &log, 0)).collect();
    assert_eq!(streams.open(ann(), &terms()).err(), Some(Refused::TooManyOfUser));
    let full = Terms { max: 3, ..terms() };
    assert_eq!(streams.open(ann(), &full).err(), Some(Refused::Full));
    assert_eq!((streams.len(), streams.of_user(UserId::new(ANN)).len()), (3, 3));
    drop(open_ones);
    assert!(streams.is_empty() && streams.of_user(UserId::new(ANN)).is_empty());
    streams.log_out(UserId::new(ANN), FamilyId::new(9));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_ends_takes_its_streams_along_and_no_others() {
    let (streams, log) = (Arc::<Streams>::default(), Arc::<Log>::default());
    let (mut stream, _slot) = open(&streams, &log, 0);
    streams.log_out(UserId::new(ANN), FamilyId::new(8));
    assert_eq!(all(&mut stream).await.2, None);
    streams.log_out(UserId::new(ANN), FamilyId::new(9));
    assert_eq!(all(&mut stream).await.2, Some(End::LoggedOut));
}
