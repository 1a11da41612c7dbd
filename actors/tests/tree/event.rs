//! The way of an event with a fault at every step of it: nothing is lost, and nothing happens twice.

use crate::faults::{Fault, Faults, Step, stores};
use crate::harness::{config, eventually, identity};
use parking_lot::Mutex;
use std::sync::Arc;
use tempfile::TempDir;
use tickroom_actors::stream::Moment;
use tickroom_actors::{Stores, Tree};
use tickroom_storage::bus::{Bus, MemoryBus};
use tickroom_storage::candle::{Backfills, Candles};
use tickroom_storage::dead_letter::DeadLetters;
use tickroom_storage::engine::Database;
use tickroom_storage::event::{Event, Outbox, SqlOutbox};
use tickroom_storage::follow::Follows;
use tickroom_storage::market::Markets;
use tickroom_storage::message::{MessageLog, Spill, SqlMessageLog};
use tickroom_storage::moderation::Moderation;
use tickroom_storage::notification::{NotificationKind as Kind, Notifications};
use tickroom_storage::post::{NewPost, Posts};
use tickroom_storage::room::Rooms;
use tickroom_storage::user::{NewUser, Role, Users};
use tickroom_storage::{EventId, FollowId, NotificationId, PostId, TimestampMs, UserId};
use tokio::task::JoinHandle;

/// A tree on real stores with faults, and people.
struct World {
    tree: Arc<Tree>,
    database: Database,
    bus: MemoryBus,
    faults: Arc<Faults>,
    _folder: TempDir,
}

const ANN: &str = "ann";
const BO: &str = "bo";

fn id(name: &str) -> UserId {
    identity(name).user
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database =
            Database::connect(&format!("sqlite://{}/t.db", folder.path().display())).await.unwrap();
        let (bus, faults) = (MemoryBus::default(), Arc::<Faults>::default());
        let log: Arc<dyn MessageLog> = Arc::new(SqlMessageLog::new(database.clone()));
        let stores = Stores {
            log,
            spill: Spill::open(folder.path().join("messages.spill"), 1 << 30).await.unwrap(),
            markets: Markets::new(database.clone()),
            rooms: Rooms::new(database.clone()),
            moderation: Moderation::new(database.clone()),
            candles: Candles::new(database.clone()),
            backfills: Backfills::new(database.clone()),
            events: stores(&database, bus.clone(), &faults),
        };
        let tree = Arc::new(Tree::start(config(), stores).await.unwrap());
        let world = Self { tree, database, bus, faults, _folder: folder };
        for name in [ANN, BO] {
            world.settle(name).await;
        }
        world
    }

    async fn settle(&self, name: &str) {
        let user = NewUser {
            id: id(name),
            name: name.parse().unwrap(),
            email: format!("{name}@example.com").parse().unwrap(),
            password_hash: "$argon2id$".to_owned(),
            role: Role::User,
            verified_at: None,
            created_at: TimestampMs::now(),
        };
        Users::new(self.database.clone()).create(&user).await.unwrap();
    }

    /// Bo follows Ann, who then writes a post.
    async fn follow_and_post(&self) {
        let follows = Follows::new(self.database.clone());
        follows.follow(FollowId::new(1), id(BO), id(ANN), TimestampMs::now()).await.unwrap();
        let post = NewPost {
            id: PostId::new(5),
            author_id: id(ANN),
            title: "a title".parse().unwrap(),
            content: "some text".parse().unwrap(),
            tags: Vec::new(),
            created_at: TimestampMs::now(),
        };
        Posts::new(self.database.clone()).create(&post, None).await.unwrap();
    }

    async fn told(&self, name: &str) -> Vec<(NotificationId, Kind)> {
        let page = Notifications::new(self.database.clone()).page(id(name), false, None, 100).await.unwrap();
        page.into_iter().rev().map(|told| (told.id, told.kind)).collect()
    }

    /// Kills whoever waits for a step that hangs.
    fn kill(&self, step: Step) {
        let services = self.tree.services();
        let victim = match step {
            Step::ReadOutbox | Step::Publish | Step::Forget => {
                services.events.relay.actor().map(|actor| actor.get_cell())
            }
            Step::ReadNew => services.notifier.actor().map(|actor| actor.get_cell()),
            _ => services.events.activity.actor().map(|actor| actor.get_cell()),
        };
        victim.unwrap().kill();
    }

    async fn outbox_is_empty(&self) {
        let outbox = SqlOutbox::new(self.database.clone());
        let wait = async {
            while !outbox.waiting(1).await.unwrap().is_empty() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(60), wait).await.expect("the outbox is emptied");
    }
}

/// Somebody's open page: all that it is shown, whatever breaks its stream.
struct Page {
    shown: Arc<Mutex<Vec<(NotificationId, Kind)>>>,
    reading: JoinHandle<()>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Page {
    fn open(tree: &Arc<Tree>, name: &str) -> Self {
        let shown = Arc::<Mutex<Vec<_>>>::default();
        let (tree, name, seen) = (Arc::clone(tree), name.to_owned(), Arc::clone(&shown));
        let reading = tokio::spawn(async move {
            let mut position = NotificationId::new(0);
            loop {
                let mut stream = tree.open_stream(identity(&name), position).unwrap();
                loop {
                    match stream.next().await {
                        Moment::Notifications(news) => {
                            seen.lock().extend(news.iter().map(|told| (told.id, told.kind)));
                        }
                        Moment::End(_) => break,
                        _ => {}
                    }
                }
                position = stream.position();
            }
        });
        Self { shown, reading }
    }

    fn shown(&self) -> Vec<(NotificationId, Kind)> {
        self.shown.lock().clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_31_a_fault_at_any_step_loses_nothing_and_doubles_nothing() {
    for step in Step::ALL {
        for fault in Fault::ALL {
            let world = World::new().await;
            let (ann, bo) = (Page::open(&world.tree, ANN), Page::open(&world.tree, BO));
            world.faults.arm(step, fault);
            if step == Step::Subscribe {
                // This happens at the start of an actor only.
                world.kill(step);
            }
            world.follow_and_post().await;
            eventually(&format!("{fault:?} at {step:?}"), || world.faults.has_struck()).await;
            if matches!(fault, Fault::HangBefore | Fault::HangAfter) {
                eventually("it hangs", || world.faults.hangs()).await;
                world.kill(step);
            }
            world.outbox_is_empty().await;
            eventually("both are shown what they are told", || {
                ann.shown().len() == 1 && bo.shown().len() == 1
            })
            .await;
            assert_eq!(world.told(ANN).await, ann.shown(), "{fault:?} at {step:?}");
            assert_eq!(world.told(BO).await, bo.shown(), "{fault:?} at {step:?}");
            assert_eq!((ann.shown()[0].1, bo.shown()[0].1), (Kind::Follow, Kind::Post));
            let letters = DeadLetters::new(world.database.clone()).page(None, 10).await.unwrap();
            assert_eq!(letters, [], "{fault:?} at {step:?}");
        }
    }
}

fn event(number: i64, kind: &str, payload: &str) -> Event {
    Event {
        id: EventId::new(number),
        actor: id(BO),
        kind: kind.into(),
        version: 1,
        payload: payload.into(),
        time: TimestampMs::now(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_45_what_nobody_can_read_is_put_aside_and_keeps_nobody_waiting() {
    let world = World::new().await;
    let followed = format!(r#"{{"user":"{}"}}"#, id(ANN));
    let newer = Event { version: 2, ..event(4, "user_followed", &followed) };
    let batch = [
        event(1, "post_shared", "{}"),
        event(2, "user_followed", "no JSON"),
        event(3, "user_followed", &followed),
        newer,
    ];
    world.bus.publish(&batch).await.unwrap();
    assert_eq!(world.told(ANN).await.len(), 1);
    let letters = DeadLetters::new(world.database.clone());
    let aside: Vec<_> =
        letters.page(None, 10).await.unwrap().into_iter().map(|letter| letter.event).collect();
    assert_eq!(aside, [batch[3].clone(), batch[1].clone(), batch[0].clone()], "as they came");

    letters.replay(EventId::new(4)).await.unwrap();
    world.outbox_is_empty().await;
    assert_eq!(letters.page(None, 10).await.unwrap().len(), 3, "it comes back");
    assert_eq!(world.told(ANN).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_nobody_survives_is_put_aside_and_the_others_are_carried_out() {
    let world = World::new().await;
    world.faults.make_deadly(EventId::new(2));
    let followed = format!(r#"{{"user":"{}"}}"#, id(ANN));
    let liked = format!(r#"{{"user":"{}"}}"#, id(BO));
    let batch = [
        event(1, "user_followed", &followed),
        event(2, "user_followed", &followed),
        Event { actor: id(ANN), ..event(3, "user_followed", &liked) },
    ];
    world.bus.publish(&batch).await.unwrap();
    assert_eq!((world.told(ANN).await.len(), world.told(BO).await.len()), (1, 1));
    let letters = DeadLetters::new(world.database.clone()).page(None, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.event.id.get()).collect::<Vec<_>>(), [2]);
}
