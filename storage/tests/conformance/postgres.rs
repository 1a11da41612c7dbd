//! PostgreSQL as such: a schema for each test, several servers on one database, and a database that is not there.

use std::env;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor};
use tickroom_storage::account::Accounts;
use tickroom_storage::activity::{ActivityLog, Changes, Effects, Planned, SqlActivityLog};
use tickroom_storage::engine::Database;
use tickroom_storage::event::Event;
use tickroom_storage::follow::Follows;
use tickroom_storage::notification::{About, NotificationKind, Notifications};
use tickroom_storage::post::{NewPost, PostEdit, Posts};
use tickroom_storage::tag::Tags;
use tickroom_storage::token::{NewFamily, Tokens};
use tickroom_storage::user::Users;
use tickroom_storage::{ErrorKind, EventId, FamilyId, FollowId, NotificationId, PostId, UserId};
use tokio::task::JoinSet;

use crate::user::newcomer;
use crate::{at, engine};

/// The server that the tests use.
const VARIABLE: &str = "TICKROOM_TEST_POSTGRES_URL";

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// A fresh schema on the server that is told to the tests. It stays: the server throws everything away in the end.
pub(crate) struct Postgres {
    pub(crate) database: Database,
    url: String,
}

impl Postgres {
    pub(crate) async fn new() -> Self {
        sqlx::any::install_default_drivers();
        let server = server();
        let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        let schema = format!("tickroom_test_{}_{number}", std::process::id());
        let mut connection = AnyConnection::connect(&server).await.unwrap();
        connection.execute(AssertSqlSafe(format!("create schema {schema}"))).await.unwrap();
        connection.close().await.unwrap();
        let url = format!("{server}?options[search_path]={schema}");
        Self { database: Database::connect(&url).await.unwrap(), url }
    }

    /// The same database as another process would open it.
    async fn again(&self) -> Database {
        Database::connect(&self.url).await.unwrap()
    }
}

fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "where the server is, tests are told by the environment")]
    env::var(VARIABLE).unwrap_or_else(|_| panic!("{VARIABLE} is not set, see ops/services"))
}

async fn people(database: &Database, count: i64) -> Vec<UserId> {
    let users = Users::new(database.clone());
    let mut ids = Vec::new();
    for id in 1..=count {
        users.create(&newcomer(id, &format!("user{id}"))).await.unwrap();
        ids.push(UserId::new(id));
    }
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server, see ops/services"]
async fn sixteen_writers_and_readers_of_two_servers_never_fail_for_being_many() {
    let postgres = Postgres::new().await;
    engine::write_and_read([postgres.database.clone(), postgres.again().await]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server, see ops/services"]
async fn four_servers_that_start_at_once_make_the_tables_once() {
    let postgres = Postgres::new().await;
    let fresh = format!("{}_fresh", postgres.url);
    let schema = fresh.split_once("search_path]=").unwrap().1.to_owned();
    let mut connection = AnyConnection::connect(&server()).await.unwrap();
    connection.execute(AssertSqlSafe(format!("create schema {schema}"))).await.unwrap();
    for started in join_all((0..4).map(|_| Database::connect(&fresh))).await {
        started.unwrap().ping().await.unwrap();
    }
}

/// A stream that has shown a notification goes on behind it, so one that appears later must have a higher id, whichever
/// server has made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server, see ops/services"]
async fn notifications_of_two_servers_appear_in_the_order_of_their_ids() {
    let postgres = Postgres::new().await;
    people(&postgres.database, 2).await;
    let notifications = Notifications::new(postgres.database.clone());
    let mut writers = JoinSet::new();
    for (number, database) in (0..).zip([postgres.database.clone(), postgres.again().await]) {
        writers.spawn(async move {
            let log = SqlActivityLog::new(database);
            for turn in 0..100 {
                let event = Event {
                    id: EventId::new(1 + number + 2 * turn),
                    actor: UserId::new(1),
                    kind: "comment_created".into(),
                    version: 1,
                    payload: "{}".into(),
                    time: at(turn),
                };
                let tell = vec![(UserId::new(2), NotificationKind::Comment)];
                let effects = Effects { tell, about: About::default(), ..Effects::default() };
                let Changes { told, .. } = log.carry_out(&[Planned { event, effects }]).await.unwrap();
                assert_eq!(told.len(), 1);
            }
        });
    }
    let mut seen: Vec<NotificationId> = Vec::new();
    while seen.len() < 200 {
        let page = notifications.page(UserId::new(2), false, None, 500).await.unwrap();
        let mut ids: Vec<NotificationId> = page.iter().map(|notification| notification.id).collect();
        ids.reverse();
        assert!(ids.starts_with(&seen), "one has appeared behind others");
        seen = ids;
    }
    writers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server, see ops/services"]
async fn follows_both_ways_and_deleted_accounts_at_once_leave_exact_counts() {
    let postgres = Postgres::new().await;
    let everybody = people(&postgres.database, 6).await;
    let databases = [postgres.database.clone(), postgres.again().await];
    let mut work = JoinSet::new();
    for (number, follower) in everybody.iter().copied().enumerate() {
        let everybody = everybody.clone();
        let follows = Follows::new(databases[number % 2].clone());
        work.spawn(async move {
            for turn in 0..20_i64 {
                for followee in everybody.iter().copied().filter(|other| *other != follower) {
                    let id = FollowId::new(follower.get() * 10_000 + turn * 100 + followee.get());
                    let done = if turn % 3 == 2 {
                        follows.unfollow(follower, followee).await.map(|_| ())
                    } else {
                        follows.follow(id, follower, followee, at(turn)).await.map(|_| ())
                    };
                    if let Err(error) = done {
                        // Who follows somebody whose account is being deleted may have to repeat it.
                        let kinds = [ErrorKind::NotFound, ErrorKind::Unavailable];
                        assert!(kinds.contains(&error.kind()), "{error:?}");
                    }
                }
            }
        });
    }
    let accounts = Accounts::new(databases[0].clone());
    work.spawn(async move {
        for gone in [3, 5] {
            while let Err(error) = accounts.delete(UserId::new(gone), at(5)).await {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
            }
        }
    });
    work.join_all().await;
    let (users, follows) = (Users::new(databases[0].clone()), Follows::new(databases[1].clone()));
    for user in [1, 2, 4, 6].map(UserId::new) {
        let profile = users.profile(user, None).await.unwrap().unwrap();
        let followers = follows.followers(user, None, None, 100).await.unwrap();
        let following = follows.following(user, None, None, 100).await.unwrap();
        let counts = [profile.follower_count, profile.following_count];
        assert_eq!(counts.map(usize::try_from), [Ok(followers.len()), Ok(following.len())], "{user}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server, see ops/services"]
async fn posts_that_swap_their_tags_at_once_never_wait_in_a_circle() {
    let postgres = Postgres::new().await;
    people(&postgres.database, 1).await;
    let posts = Posts::new(postgres.database.clone());
    let tags = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
    for id in 1..=4 {
        let post = NewPost {
            id: PostId::new(id),
            author_id: UserId::new(1),
            title: "t".parse().unwrap(),
            content: "c".parse().unwrap(),
            tags: tags(&["a"]),
            created_at: at(0),
        };
        posts.create(&post, None).await.unwrap();
    }
    let mut work = JoinSet::new();
    for id in 1..=4_i64 {
        let posts = Posts::new(postgres.again().await);
        let (some, others) = (tags(&["a", "m", "z"]), tags(&["z2", "b", "a2"]));
        work.spawn(async move {
            for turn in 0..30 {
                let tags = Some(if (turn + id) % 2 == 0 { some.clone() } else { others.clone() });
                posts
                    .edit(PostId::new(id), PostEdit { tags, ..PostEdit::default() }, at(turn))
                    .await
                    .unwrap();
            }
        });
    }
    work.join_all().await;
    let counts = Tags::new(postgres.database.clone()).popular(None, 100).await.unwrap();
    assert_eq!(counts.len(), 6);
    assert!(counts.iter().all(|count| count.post_count == 2), "{counts:?}");
}

/// A login is proved against a password and begins while that is replaced: then either it does not begin, or it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a server, see ops/services"]
async fn no_login_by_an_old_password_survives_its_replacement() {
    let postgres = Postgres::new().await;
    let accounts = Accounts::new(postgres.database.clone());
    let tokens = Arc::new(Tokens::new(postgres.again().await));
    for round in 1..=20_i64 {
        let user = newcomer(round, &format!("user{round}"));
        Users::new(postgres.database.clone()).create(&user).await.unwrap();
        let mut logins = JoinSet::new();
        for number in 0..8 {
            let tokens = Arc::clone(&tokens);
            let family = NewFamily {
                id: FamilyId::new(round * 100 + number),
                user_id: user.id,
                proved_against: user.password_hash.clone(),
                user_agent: None,
                address: None,
                token_hash: format!("{round}-{number}"),
                now: at(0),
                expires_at: at(1_000_000),
            };
            logins.spawn(async move {
                if let Err(error) = tokens.start_family(family).await {
                    assert_eq!(error.kind(), ErrorKind::NotFound);
                }
            });
        }
        accounts.set_password(user.id, "another", None, at(1)).await.unwrap();
        logins.join_all().await;
        assert_eq!(tokens.logins(user.id, None, 100, at(2)).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_soon() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Database::connect(&format!("postgres://ann:secret@{nobody}/x")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.to_string(), "the storage engine is unavailable");
}

#[tokio::test]
async fn a_server_that_swallows_everything_is_unavailable_soon() {
    // Its backlog takes the connection, and nobody ever reads it.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let before = Instant::now();
    let url = format!("postgres://ann:secret@{}/x", silent.local_addr().unwrap());
    assert_eq!(Database::connect(&url).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(before.elapsed() < Duration::from_secs(15), "{:?}", before.elapsed());
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn a_database_that_does_not_exist_is_unavailable() {
    let server = server();
    let (host, _) = server.rsplit_once('/').unwrap();
    let error = Database::connect(&format!("{host}/nowhere")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
#[ignore = "needs a server, see ops/services"]
async fn indexes_are_in_byte_order_whatever_the_database_was_made_with() {
    let postgres = Postgres::new().await;
    let mut connection = AnyConnection::connect(&postgres.url).await.unwrap();
    let columns = |condition: &str| {
        AssertSqlSafe(format!(
            "select t.relname || '.' || c.attname from pg_index i join pg_class t on t.oid = i.indrelid
            join pg_attribute c on c.attrelid = t.oid and c.attnum = any(i.indkey)
            join pg_collation l on l.oid = c.attcollation
            where t.relnamespace = current_schema()::regnamespace and l.collname {condition}"
        ))
    };
    let others: Vec<String> = sqlx::query_scalar(columns("<> 'C'")).fetch_all(&mut connection).await.unwrap();
    assert_eq!(others, [""; 0]);
    let ours: Vec<String> = sqlx::query_scalar(columns("= 'C'")).fetch_all(&mut connection).await.unwrap();
    assert!(ours.contains(&"tag.name".to_owned()), "{ours:?}");
}
