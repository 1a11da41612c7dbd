//! Whatever was said, kept, dropped and taken back.

use super::*;
use proptest::prelude::*;

fn frame(offset: u64, length: usize) -> Bytes {
    let mut text = offset.to_string().into_bytes();
    text.resize(text.len().max(length), b'.');
    text.into()
}

fn mark(frames: &BytesMut, id: i64) -> Mark {
    Mark { end: frames.len(), sender: UserId::new(7), id: MessageId::new(id), is_gone: false }
}

fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..200, 100_000usize..300_000]
}

proptest! {
    /// Whatever is pushed, a position is answered with exactly the frames after it or with `None`; and `None`
    /// only when the window has a reason (a bound was passed, or the position is not of this run).
    #[test]
    fn since_is_whole_or_nothing(
        start in 0u64..1_000,
        batches in prop::collection::vec(prop::collection::vec(lengths(), 0..5), 0..60),
        asked in 0u64..1_200,
    ) {
        let mut window = Window::new(Offset::new(start));
        let mut all = Vec::new();
        let mut offsets = start + 1..;
        for lengths in batches {
            let batch: Vec<_> = offsets.by_ref().zip(&lengths).map(|(at, length)| (at, frame(at, *length))).collect();
            let mut frames = BytesMut::new();
            let marks: Vec<_> = batch.iter().map(|(_, frame)| {
                frames.extend_from_slice(frame);
                mark(&frames, 1)
            }).collect();
            window.push(frames.freeze(), &marks, Instant::now());
            all.extend(batch);
        }
        let tail = window.tail().get();
        prop_assert_eq!(tail - start, u64::try_from(all.len()).unwrap());
        prop_assert!(window.bytes <= limits::WINDOW_BYTES && window.len() <= limits::WINDOW_MESSAGES);
        prop_assert_eq!(window.bytes, window.batches.iter().map(|batch| batch.frames.len()).sum::<usize>());
        let expected: Vec<_> = all.iter().filter(|(offset, _)| *offset > asked).map(|(_, frame)| &**frame).collect();
        match window.since(Offset::new(asked)) {
            Some(frames) => {
                prop_assert!(asked >= start && asked <= tail);
                prop_assert_eq!(frames.collect::<Vec<_>>().concat(), expected.concat());
            }
            None => prop_assert!(asked > tail || expected.len() > window.len() || asked < start),
        }
    }
}

/// A window of messages with the content of their offsets, in batches of these sizes.
fn talk(start: u64, batches: &[usize], now: Instant) -> Window {
    let mut window = Window::new(Offset::new(start));
    for size in batches {
        let mut frames = BytesMut::new();
        let first = window.tail().get() + 1;
        let marks: Vec<_> = (first..)
            .take(*size)
            .map(|offset| {
                frame::put_text(&mut frames, format!(r#"{{"content":"{offset}"}}"#).as_bytes());
                mark(&frames, i64::try_from(offset).unwrap())
            })
            .collect();
        window.push(frames.freeze(), &marks, now);
    }
    window
}

proptest! {
    /// Wherever a client stands and however messages came, the reply lists exactly what it misses, in both formats.
    #[test]
    fn a_recovered_list_is_whole_or_nothing(
        start in 0u64..100,
        batches in prop::collection::vec(0usize..200, 0..6),
        asked in 0u64..1_000,
    ) {
        let window = talk(start, &batches, Instant::now());
        let result = SubscribeResult { recovered: true, ..SubscribeResult::default() };
        for format in Format::ALL {
            let frames = window.recovered(format, 5, Offset::new(asked), result.clone());
            prop_assert_eq!(frames.is_some(), asked >= start && asked <= window.tail().get());
            let Some(frames) = frames else { continue };
            let payload: Vec<u8> = frames.iter().flat_map(|frame| frame::payload(frame).to_vec()).collect();
            let reply: Reply = match format {
                Format::Json => serde_json::from_slice(&payload).unwrap(),
                Format::Protobuf => prost::Message::decode_length_delimited(&payload[..]).unwrap(),
            };
            let listed = reply.subscribe.unwrap().publications;
            let expected = asked + 1..=window.tail().get();
            prop_assert_eq!(listed.iter().map(|said| said.offset).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            for said in &listed {
                prop_assert_eq!(&said.data, &Bytes::from(format!(r#"{{"content":"{}"}}"#, said.offset)));
            }
        }
        let said: Vec<_> = window.said(asked, asked + 70).map(|said| said.offset.get()).collect();
        let expected: Vec<_> = (asked.max(start + 1)..=(asked + 70).min(window.tail().get())).collect();
        prop_assert_eq!(said, expected);
    }
}

proptest! {
    /// Whichever message is taken back, the others stay as they are, in their places, in both formats.
    #[test]
    fn what_is_replaced_is_gone_and_the_rest_stays(
        batches in prop::collection::vec(1usize..150, 1..4),
        gone in 1u64..500,
    ) {
        let mut window = talk(0, &batches, Instant::now());
        let tail = window.tail().get();
        // Made before, and not to be given to anybody afterwards.
        let result = SubscribeResult { recovered: true, ..SubscribeResult::default() };
        window.recovered(Format::Json, 5, Offset::ZERO, result);
        let id = MessageId::new(i64::try_from(gone).unwrap());
        window.replace(id, |offset| frame::text(format!(r#"{{"gone":"{offset}"}}"#).as_bytes()));
        prop_assert_eq!(window.find(id).map(|mark| mark.is_gone), (gone <= tail).then_some(true));
        let said: Vec<_> = window.said(1, tail).map(|said| said.json).collect();
        let expected = (1..=tail).map(|offset| {
            let key = if offset == gone { "gone" } else { "content" };
            Bytes::from(format!(r#"{{"{key}":"{offset}"}}"#))
        });
        prop_assert_eq!(said, expected.collect::<Vec<_>>());
        let held: usize = window.batches.iter().map(|batch| batch.frames.len()).sum();
        prop_assert_eq!((window.bytes, window.since(Offset::ZERO).unwrap().collect::<Vec<_>>().concat().len()), (held, held));
        let result = SubscribeResult { recovered: true, ..SubscribeResult::default() };
        let frames = window.recovered(Format::Json, 5, Offset::ZERO, result).unwrap();
        let payload: Vec<u8> = frames.iter().flat_map(|frame| frame::payload(frame).to_vec()).collect();
        let has_old = String::from_utf8(payload).unwrap().contains(&format!(r#""content":"{gone}""#));
        prop_assert!(!has_old);
    }
}

#[test]
fn those_who_recover_share_what_they_are_given() {
    let window = talk(0, &[1_000], Instant::now());
    let frames = |offset| {
        window
            .recovered(
                Format::Json,
                1,
                Offset::new(offset),
                SubscribeResult { recovered: true, ..SubscribeResult::default() },
            )
            .unwrap()
    };
    let (one, other) = (frames(10), frames(20));
    assert_eq!((one.len(), other.len()), (17, 17));
    assert!(one[1..16].iter().zip(&other[1..16]).all(|(one, other)| one.as_ptr() == other.as_ptr()));
}

#[test]
fn what_is_too_old_is_let_go_and_its_end_can_still_be_recovered() {
    let now = Instant::now();
    let mut window = talk(0, &[3, 3], now);
    window.expire(now + limits::WINDOW_AGE);
    assert_eq!(window.len(), 6);
    window.expire(now + limits::WINDOW_AGE * 2);
    assert!(window.is_empty() && window.since(Offset::new(5)).is_none());
    assert_eq!(window.since(Offset::new(6)).map(Iterator::count), Some(0));
}

#[test]
fn an_empty_window_recovers_only_its_own_position() {
    let window = Window::new(Offset::new(7));
    assert_eq!(window.since(Offset::new(7)).map(Iterator::count), Some(0));
    assert!(window.since(Offset::new(6)).is_none() && window.since(Offset::new(8)).is_none());
}
