//! Keeping order in rooms: what is decided over HTTP, and what open sockets of both protocols see of it.

use reqwest::Method;
use serde_json::{Value, json};
use tickroom_storage::user::Role;

use crate::harness::{Answer, ChatSocket, TestServer, User, eventually};

const BTC: &str = "KRW-BTC";
const ETH: &str = "KRW-ETH";
const CHAT: &str = "chat:KRW-BTC";

/// A server, and Mo, whom an administrator had keep order in KRW-BTC.
struct Kept {
    server: TestServer,
    admin: User,
    mo: User,
}

async fn kept() -> Kept {
    let server = TestServer::without_prices(&[]).await;
    let admin = server.promoted("root", Role::Admin).await;
    let mo = server.user("mo").await;
    admin.put(&of_user(&mo, "moderators").await).await.expect_status(204);
    Kept { server, admin, mo }
}

/// `/api/rooms/KRW-BTC/<what>/<her id>`.
async fn of_user(user: &User, what: &str) -> String {
    format!("/api/rooms/{BTC}/{what}/{}", user.id().await)
}

fn of_message(message: &Value) -> String {
    format!("/api/rooms/{BTC}/messages/{}", message["id"].as_str().unwrap())
}

impl Kept {
    async fn impose(&self, what: &str, on: &User, body: Value) -> Answer {
        self.mo.send_json(Method::PUT, &of_user(on, what).await, &body).await
    }

    async fn lift(&self, what: &str, from: &User) {
        self.mo.delete(&of_user(from, what).await).await.expect_status(204);
    }

    async fn slow_down(&self, seconds: u32) {
        let path = format!("/api/rooms/{BTC}/slow-mode");
        self.mo.send_json(Method::PUT, &path, &json!({ "seconds": seconds })).await.expect_status(204);
    }
}

/// Says something, which is shown and stored.
async fn said(socket: &mut ChatSocket, content: &str) -> Value {
    socket.say_and_wait(content, content).await;
    loop {
        // Newcomers are shown what was said before.
        let message = socket.next_message().await;
        if message["content"] == content {
            return message;
        }
    }
}

/// What a `publish` by the Centrifuge protocol is refused with.
async fn refused(user: &User, content: &str) -> Value {
    let mut socket = user.centrifuge().await;
    let request = json!({ "channel": CHAT, "data": { "content": content } });
    socket.refused("publish", request).await
}

#[tokio::test]
async fn a_message_that_is_taken_back_is_gone_everywhere_and_everybody_is_told() {
    let Kept { server, mo, .. } = kept().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let (mut native, mut elsewhere) = (ann.enter(BTC).await, ann.enter(ETH).await);
    let mut socket = bo.centrifuge().await;
    let subscribed = socket.subscribe(CHAT).await;
    let bad = said(&mut native, "so bad").await;
    said(&mut native, "fine").await;
    said(&mut elsewhere, "undisturbed").await;
    mo.delete(&of_message(&bad)).await.expect_status(204);

    let told = native.next_of("DELETED").await;
    assert_eq!((&told["messageId"], &told["by"]["name"]), (&bad["id"], &"mo".into()));
    assert_eq!((&told["offset"], &told["roomName"]), (&3.into(), &BTC.into()));
    let push = socket.next_where(|reply| reply["push"]["pub"]["offset"] == 3).await;
    assert_eq!(push["push"]["pub"]["data"], told);
    assert_eq!(push["push"]["pub"]["info"]["user"], told["by"]["id"]);

    // Who was away for all of it, in both protocols, and who is new.
    let epoch = native.epoch().to_owned();
    let mut back = mo.come_back(BTC, &epoch, 0).await;
    let place = back.next().await;
    assert_eq!((&place["type"], &place["offset"]), (&"DELETED".into(), &1.into()), "{place}");
    assert_eq!((&place["messageId"], place.get("by")), (&bad["id"], None));
    back.expect_message("fine").await;
    assert_eq!(back.next().await, told);
    let mut returned = mo.centrifuge().await;
    let position = json!({ "channel": CHAT, "recover": true, "epoch": subscribed["subscribe"]["epoch"] });
    let recovered = returned.call("subscribe", position).await["subscribe"]["publications"].clone();
    assert_eq!((&recovered[0]["data"], &recovered[2]["data"]), (&place, &told));
    let history = returned.call("history", json!({ "channel": CHAT, "limit": -1 })).await;
    assert!(!history.to_string().contains("so bad"), "{history}");
    let mut new = mo.enter(BTC).await;
    assert_eq!((new.next().await, new.next().await["content"].clone()), (place.clone(), "fine".into()));

    let contents = async |server: &TestServer| {
        let history = server.history(BTC).await;
        history.iter().map(|message| message["content"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(contents(&server).await, ["fine"]);
    let server = server.restart().await;
    assert_eq!(contents(&server).await, ["fine"]);
    let mo = server.log_in("mo").await;
    let mut after = mo.enter(BTC).await;
    assert_eq!((after.next().await, after.next().await["content"].clone()), (place, "fine".into()));
    assert_eq!(after.next().await, told);
    mo.delete(&of_message(&bad)).await.expect_problem(404, "not_found");
    // A repeat of the message is recognised, and does not bring it back.
    let mut ann = server.log_in("ann").await.enter(BTC).await;
    let ack = ann.say_and_wait("so bad", "so bad").await;
    assert_eq!((&ack["duplicate"], &ack["messageId"]), (&true.into(), &bad["id"]));
    assert_eq!(contents(&server).await, ["fine"]);
}

#[tokio::test]
async fn one_takes_back_ones_own_and_nobody_elses_and_nothing_twice() {
    let Kept { server, admin, .. } = kept().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let mut native = ann.enter(BTC).await;
    let messages = [said(&mut native, "one").await, said(&mut native, "two").await];
    let [one, two] = &messages;
    bo.delete(&of_message(one)).await.expect_problem(403, "not_moderator");
    ann.delete(&of_message(one)).await.expect_status(204);
    ann.delete(&of_message(one)).await.expect_problem(404, "not_found");
    let told = native.next_of("DELETED").await;
    // What takes a message back is no message, and messages of elsewhere are not here.
    let elsewhere = of_message(two).replace(BTC, ETH);
    for path in [
        elsewhere.as_str(),
        "/api/rooms/KRW-BTC/messages/1",
        "/api/rooms/KRW-BTC/messages/-7",
        "/api/rooms/KRW-NONE/messages/1",
        "/api/rooms/..%2F/messages/1",
    ] {
        admin.delete(path).await.expect_problem(404, "not_found");
    }
    for path in ["x", "99999999999999999999", "1%00", "%27%3B--"] {
        let path = format!("/api/rooms/{BTC}/messages/{path}");
        admin.delete(&path).await.expect_problem(400, "invalid_path");
    }
    let entry = json!({ "id": told["messageId"] });
    admin.delete(&of_message(&entry)).await.expect_problem(404, "not_found");
    Answer::of(server.request(Method::DELETE, &of_message(two))).await.expect_problem(401, "unauthenticated");
    admin.delete(&of_message(two)).await.expect_status(204);
    assert!(server.history(BTC).await.is_empty());
}

#[tokio::test]
async fn of_many_who_take_one_message_back_at_once_one_does() {
    let Kept { server, mo, .. } = kept().await;
    let mut native = mo.enter(BTC).await;
    let path = of_message(&said(&mut native, "once").await);
    let answers = futures_util::future::join_all((0..8).map(|_| mo.delete(&path))).await;
    let mut statuses: Vec<_> = answers.into_iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 404, 404, 404, 404, 404, 404, 404]);
    native.next_of("DELETED").await;
    said(&mut native, "after").await;
    assert!(native.take_unread().iter().all(|frame| frame["type"] != "DELETED"));
    assert_eq!(server.history(BTC).await.len(), 1);
}

#[tokio::test]
async fn who_is_banned_is_out_at_once_and_stays_out_and_only_of_this_room() {
    let kept = kept().await;
    let (ann, bo) = (kept.server.user("ann").await, kept.server.user("bo").await);
    let (mut here, mut elsewhere, mut other) =
        (bo.enter(BTC).await, bo.enter(ETH).await, ann.enter(BTC).await);
    let mut socket = bo.centrifuge().await;
    socket.subscribe(CHAT).await;
    socket.subscribe("chat:KRW-ETH").await;
    kept.impose("bans", &bo, json!({ "reason": "도배" })).await.expect_status(204);

    here.expect_close(3507).await;
    let push = socket.next_where(|reply| reply["push"]["unsubscribe"].is_object()).await;
    assert_eq!(
        (&push["push"]["channel"], &push["push"]["unsubscribe"]["code"]),
        (&CHAT.into(), &2000.into())
    );
    let publish = json!({ "channel": CHAT, "data": { "content": "let me in" } });
    assert_eq!(socket.refused("publish", publish).await, 103);
    assert_eq!(socket.refused("subscribe", json!({ "channel": CHAT })).await, 103);
    bo.open(&format!("/ws/chat?room={BTC}")).await.expect_close(3507).await;
    // The others, and the other room, notice nothing.
    said(&mut elsewhere, "still here").await;
    socket.next_where(|reply| reply["push"]["pub"]["data"]["content"] == "still here").await;
    said(&mut other, "quiet at last").await;

    let server = kept.server.restart().await;
    let (mo, bo) = (server.log_in("mo").await, server.log_in("bo").await);
    bo.open(&format!("/ws/chat?room={BTC}")).await.expect_close(3507).await;
    assert_eq!(refused(&bo, "after the restart").await, 103);
    mo.delete(&of_user(&bo, "bans").await).await.expect_status(204);
    said(&mut bo.enter(BTC).await, "sorry").await;
}

#[tokio::test]
async fn a_ban_ends_by_itself() {
    let kept = kept().await;
    let bo = kept.server.user("bo").await;
    let mut here = bo.enter(BTC).await;
    kept.impose("bans", &bo, json!({ "seconds": 1 })).await.expect_status(204);
    here.expect_close(3507).await;
    eventually("the ban is over", async || {
        bo.open(&format!("/ws/chat?room={BTC}")).await.read_first_type().await.as_deref() == Some("JOINED")
    })
    .await;
    let list = kept.mo.get(&format!("/api/rooms/{BTC}/bans")).await.expect_status(200).json();
    assert_eq!(list["sanctions"], json!([]));
}

#[tokio::test]
async fn who_is_muted_reads_and_does_not_speak_here() {
    let kept = kept().await;
    let (ann, bo) = (kept.server.user("ann").await, kept.server.user("bo").await);
    let (mut here, mut elsewhere, mut other) =
        (bo.enter(BTC).await, bo.enter(ETH).await, ann.enter(BTC).await);
    kept.impose("mutes", &bo, json!({ "seconds": 3600 })).await.expect_status(204);
    let told = here.next_of("MUTE").await;
    assert_eq!((&told["active"], told["until"].is_i64()), (&true.into(), true));
    here.say_as("1", "let me speak").await;
    assert_eq!(here.expect_error("muted").await["id"], "1");
    assert_eq!(refused(&bo, "by another door").await, 103);
    said(&mut other, "hello").await;
    here.expect_message("hello").await;
    said(&mut elsewhere, "not muted here").await;
    let me = bo.get(&format!("/api/rooms/{BTC}/me")).await.expect_status(200).json();
    assert_eq!((&me["sanctions"][0]["kind"], &me["moderator"]), (&"mute".into(), &false.into()));

    let server = kept.server.restart().await;
    let bo = server.log_in("bo").await;
    let mut here = bo.enter(BTC).await;
    here.say("still").await;
    here.expect_error("muted").await;
    let mo = server.log_in("mo").await;
    mo.delete(&of_user(&bo, "mutes").await).await.expect_status(204);
    assert_eq!(here.next_of("MUTE").await["active"], false);
    said(&mut here, "thank you").await;
    assert_eq!(server.history(BTC).await.len(), 2);
}

#[tokio::test]
async fn in_slow_mode_everybody_but_moderators_waits() {
    let kept = kept().await;
    let ann = kept.server.user("ann").await;
    let (mut slow, mut elsewhere) = (ann.enter(BTC).await, ann.enter(ETH).await);
    let mut moderator = kept.mo.enter(BTC).await;
    kept.slow_down(600).await;
    assert_eq!(slow.next_of("SLOW_MODE").await["seconds"], 600);
    said(&mut slow, "first").await;
    slow.say_as("2", "second").await;
    let error = slow.expect_error("slow_mode").await;
    assert!((1..=600_000).contains(&error["retryAfterMs"].as_u64().unwrap()), "{error}");
    // A repeat of what was said is no second message, and other sockets of hers are hers.
    assert_eq!(slow.say_and_wait("first", "first").await["duplicate"], true);
    assert_eq!(refused(&ann, "by another door").await, 111);
    moderator.expect_message("first").await;
    for content in ["one", "two"] {
        said(&mut moderator, content).await;
        said(&mut elsewhere, content).await;
    }
    let me = ann.get(&format!("/api/rooms/{BTC}/me")).await.expect_status(200).json();
    assert_eq!(me["slow_mode_seconds"], 600);

    let server = kept.server.restart().await;
    let mut slow = server.log_in("ann").await.enter(BTC).await;
    slow.say("now").await;
    slow.next_of("MESSAGE").await;
    slow.say("too fast").await;
    slow.expect_error("slow_mode").await;
    let mo = server.log_in("mo").await;
    let path = format!("/api/rooms/{BTC}/slow-mode");
    mo.send_json(Method::PUT, &path, &json!({ "seconds": 0 })).await.expect_status(204);
    assert_eq!(slow.next_of("SLOW_MODE").await["seconds"], 0);
    slow.say("as fast").await;
    slow.say("as I like").await;
    eventually("both are said", async || {
        let history = server.history(BTC).await;
        history.last().is_some_and(|last| last["content"] == "as I like")
    })
    .await;
}

#[tokio::test]
async fn nobody_else_keeps_order() {
    let Kept { server, admin, mo } = kept().await;
    let (ann, bo) = (server.user("ann").await, server.user("bo").await);
    let body = json!({ "seconds": 60 });
    let id = bo.id().await;
    let decisions = [
        (Method::PUT, format!("/api/rooms/{BTC}/bans/{id}")),
        (Method::DELETE, format!("/api/rooms/{BTC}/bans/{id}")),
        (Method::PUT, format!("/api/rooms/{BTC}/mutes/{id}")),
        (Method::DELETE, format!("/api/rooms/{BTC}/mutes/{id}")),
        (Method::PUT, format!("/api/rooms/{BTC}/slow-mode")),
        (Method::GET, format!("/api/rooms/{BTC}/bans")),
        (Method::GET, format!("/api/rooms/{BTC}/mutes")),
        (Method::GET, format!("/api/rooms/{BTC}/moderation")),
    ];
    for (method, path) in decisions {
        ann.send_json(method.clone(), &path, &body).await.expect_problem(403, "not_moderator");
        let nobody = server.request(method.clone(), &path).json(&body);
        Answer::of(nobody).await.expect_problem(401, "unauthenticated");
        // Whoever keeps order in one room keeps it in that room.
        let elsewhere = path.replace(BTC, ETH);
        mo.send_json(method.clone(), &elsewhere, &body).await.expect_problem(403, "not_moderator");
        let nowhere = path.replace(BTC, "KRW-NONE");
        admin.send_json(method.clone(), &nowhere, &body).await.expect_problem(404, "not_found");
        assert!(admin.send_json(method, &elsewhere, &body).await.status < 300);
    }
    for method in [Method::PUT, Method::DELETE] {
        let path = of_user(&ann, "moderators").await;
        mo.send(method.clone(), &path).await.expect_problem(403, "forbidden");
        ann.send(method, &path).await.expect_problem(403, "forbidden");
    }
    // Who was dismissed decides nothing any more.
    admin.delete(&of_user(&mo, "moderators").await).await.expect_status(204);
    mo.put(&of_user(&ann, "bans").await).await.expect_status(415);
    mo.send_json(Method::PUT, &of_user(&ann, "bans").await, &body).await.expect_problem(403, "not_moderator");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let kept = kept().await;
    let bo = kept.server.user("bo").await;
    for (body, field, code) in [
        (json!({ "seconds": 0 }), "seconds", "out_of_range"),
        (json!({ "seconds": 4_000_000_000_u32 }), "seconds", "out_of_range"),
        (json!({ "seconds": -1 }), "seconds", "out_of_range"),
        (json!({ "seconds": 1.5 }), "seconds", "invalid"),
        (json!({ "seconds": "for ever" }), "seconds", "invalid"),
        (json!({ "reason": "r".repeat(201) }), "reason", "too_long"),
        (json!({ "reason": "two\nlines" }), "reason", "control_character"),
        (json!({ "reason": " " }), "reason", "required"),
    ] {
        for what in ["bans", "mutes"] {
            kept.impose(what, &bo, body.clone()).await.expect_violations(&[(field, code)]);
        }
    }
    let slow = format!("/api/rooms/{BTC}/slow-mode");
    for (body, code) in [(json!({ "seconds": 3601 }), "out_of_range"), (json!({}), "required")] {
        kept.mo.send_json(Method::PUT, &slow, &body).await.expect_violations(&[("seconds", code)]);
    }
    for what in ["bans", "mutes"] {
        let path = format!("/api/rooms/{BTC}/{what}/4711");
        kept.mo.send_json(Method::PUT, &path, &json!({})).await.expect_problem(404, "not_found");
        kept.mo.delete(&path).await.expect_status(204);
        let path = format!("/api/rooms/{BTC}/{what}?limit=0&cursor=x");
        kept.mo.get(&path).await.expect_violations(&[("cursor", "invalid"), ("limit", "out_of_range")]);
        for protected in [&kept.mo, &kept.admin] {
            kept.impose(what, protected, json!({})).await.expect_problem(409, "protected");
        }
    }
    kept.admin.put(&format!("/api/rooms/{BTC}/moderators/4711")).await.expect_problem(404, "not_found");
    let rules = kept.mo.get(&format!("/api/rooms/{BTC}/moderation")).await.expect_status(200).json();
    assert_eq!(rules["entries"].as_array().unwrap().len(), 1, "only Mo was appointed: {rules}");
}

#[tokio::test]
async fn who_did_what_to_whom_is_known() {
    let kept = kept().await;
    let ann = kept.server.user("ann").await;
    let mut native = ann.enter(BTC).await;
    let bad = said(&mut native, "bad").await;
    kept.mo.delete(&of_message(&bad)).await.expect_status(204);
    let own = said(&mut native, "own").await;
    ann.delete(&of_message(&own)).await.expect_status(204);
    kept.impose("mutes", &ann, json!({ "seconds": 60, "reason": "spam" })).await.expect_status(204);
    kept.lift("mutes", &ann).await;
    kept.lift("mutes", &ann).await;
    kept.impose("bans", &ann, json!({})).await.expect_status(204);
    kept.slow_down(5).await;
    kept.slow_down(5).await;

    let id = ann.id().await;
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/rooms/{BTC}/moderation?limit=2{cursor}");
        let mut page = kept.mo.get(&path).await.expect_status(200).json();
        entries.append(page["entries"].as_array_mut().unwrap());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let shown = |entry: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&entry["action"]), text(&entry["by"]["username"]), entry["user_id"] == id.as_str())
    };
    let shown: Vec<_> = entries.iter().map(shown).collect();
    let by = |action: &str, who: &str, is_ann| (action.to_owned(), who.to_owned(), is_ann);
    let expected = [
        by("slow_mode", "mo", false),
        by("ban", "mo", true),
        by("unmute", "mo", true),
        by("mute", "mo", true),
        by("delete_message", "mo", true),
        by("appoint", "root", false),
    ];
    assert_eq!(shown, expected);
    assert_eq!((&entries[0]["seconds"], &entries[4]["message_id"]), (&5.into(), &bad["id"]));
    assert_eq!((&entries[3]["reason"], entries[3]["ends_at"].is_string()), (&"spam".into(), true));

    let bans = kept.mo.get(&format!("/api/rooms/{BTC}/bans")).await.expect_status(200).json();
    assert_eq!(bans["sanctions"][0]["user"]["username"], "ann");
    assert_eq!((&bans["sanctions"][0]["ends_at"], &bans["next_cursor"]), (&Value::Null, &Value::Null));
    let keepers = kept.server.get(&format!("/api/rooms/{BTC}/moderators")).await.expect_status(200).json();
    assert_eq!(keepers["moderators"][0]["username"], "mo");
    let me = kept.mo.get(&format!("/api/rooms/{BTC}/me")).await.expect_status(200).json();
    assert_eq!(me, json!({ "moderator": true, "sanctions": [], "slow_mode_seconds": 5 }));
}
