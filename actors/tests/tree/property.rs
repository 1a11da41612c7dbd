//! Random talk, random faults, random deaths: whatever happens, what was acknowledged is stored exactly once, in the
//! order in which everybody saw it.

use crate::faulty_log::Mode;
use crate::harness::{BTC, Member, TestTree, eventually};
use proptest::prelude::*;
use proptest::test_runner::Config;

#[derive(Debug, Clone)]
enum Step {
    /// Somebody says this many things.
    Say(bool, u8),
    /// The log does this from now on.
    Log(Mode),
    /// The log does this once.
    Once(Mode),
    KillWriter,
    KillRoom,
    KillSession(bool),
    KillRooms,
    /// Let the others run.
    Wait(u8),
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Up), Just(Mode::Down), Just(Mode::Forgetful), Just(Mode::Half)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), 1u8..20).prop_map(|(ann, count)| Step::Say(ann, count)),
        2 => mode().prop_map(Step::Log),
        2 => mode().prop_map(Step::Once),
        1 => Just(Step::KillWriter),
        1 => Just(Step::KillRoom),
        1 => any::<bool>().prop_map(Step::KillSession),
        1 => Just(Step::KillRooms),
        3 => (0u8..30).prop_map(Step::Wait),
    ]
}

async fn take(test: &TestTree, members: [&Member; 2], said: &mut u32, step: Step) {
    let services = test.tree.services();
    match step {
        Step::Say(first, count) => {
            for _ in 0..count {
                members[usize::from(first)].say(&format!("m{said}")).await;
                *said += 1;
            }
        }
        Step::Log(mode) => test.log.set(mode),
        Step::Once(mode) => test.log.script([mode]),
        Step::KillWriter => services.intake.address.actor().into_iter().for_each(|actor| actor.kill()),
        Step::KillRoom => {
            let room = services.directory.get(&BTC.parse().unwrap()).unwrap();
            room.address.actor().into_iter().for_each(|actor| actor.kill());
        }
        Step::KillSession(first) => {
            members[usize::from(first)].slot.address.actor().into_iter().for_each(|actor| actor.kill());
        }
        Step::KillRooms => services.rooms.actor().into_iter().for_each(|actor| actor.kill()),
        Step::Wait(millis) => tokio::time::sleep(std::time::Duration::from_millis(millis.into())).await,
    }
}

async fn run(steps: Vec<Step>) {
    let test = TestTree::start().await;
    let (ann, bo) = (test.enter("ann").await, test.enter("bo").await);
    let mut said = 0;
    for step in steps {
        take(&test, [&ann, &bo], &mut said, step).await;
    }
    test.log.set(Mode::Up);
    // Everything was answered, one way or the other, or lost with the actor that held it; all that has a place is
    // stored.
    ann.insist("the end").await;
    let services = test.tree.services();
    eventually("all is stored", || services.intake.is_empty() && services.writer_view.get().spilled == 0)
        .await;

    let seen = ann.messages();
    eventually("both see the end", || bo.messages().len() >= seen.len()).await;
    assert_eq!(bo.messages(), seen, "one order for all");
    test.assert_log_is_unbroken();
    let texts: Vec<String> = seen.into_iter().map(|(_, text)| text).collect();
    assert_eq!(test.stored(), texts, "what was seen is stored, once and in order");
    for member in [&ann, &bo] {
        assert!(member.is_open());
        let acked = member.frames("ACK");
        let missing = acked.iter().find(|ack| !texts.iter().any(|text| ack["id"] == **text));
        assert_eq!(missing, None, "what was acked is stored");
    }
}

#[test]
fn whatever_happens_what_was_acked_is_stored_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 24, max_shrink_iters: 64, failure_persistence: None, ..Config::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..30))| {
        // At most two deaths of a session: a third in a minute would end its socket, which is tested elsewhere.
        let mut deaths = 0;
        let steps: Vec<_> = steps.into_iter().filter(|step| {
            deaths += i32::from(matches!(step, Step::KillSession(_)));
            !matches!(step, Step::KillSession(_)) || deaths <= 2
        }).collect();
        runtime.block_on(run(steps));
    });
}
