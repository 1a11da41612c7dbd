//! What a message costs on the wire side: reading a client's text, and encoding the frame that all members share.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion makes functions; a bench may panic")]

use std::hint::black_box;
use std::sync::Arc;

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tickroom_actors::limits::ROOM_BATCH_MESSAGES;
use tickroom_actors::room::{Mark, Window};
use tickroom_actors::wire::native;
use tickroom_storage::message::{Message, Sender};
use tickroom_storage::{MessageId, Offset, TimestampMs, UserId};
use tokio::time::Instant;

/// 150 bytes of text, the size that other servers publish figures for.
fn message(offset: u64) -> Message {
    Message {
        id: MessageId::new(95_822_646_005_621_589),
        room: "KRW-BTC".parse().unwrap(),
        offset: Offset::new(offset),
        sender: Sender { id: UserId::new(95_822_645_973_803_704), name: Arc::from("ann"), profile_url: None },
        content: "x".repeat(150).into(),
        client_id: None,
        deletes: None,
        created_at: TimestampMs::now(),
    }
}

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wire");
    group.throughput(Throughput::Elements(1));
    let text = format!(r#"{{"type":"MESSAGE","content":"{}","id":"m-1"}}"#, "x".repeat(150));
    group.bench_function("decode", |bencher| bencher.iter(|| native::decode(black_box(&text)).unwrap()));

    let (message, mut encoder) = (message(1), native::Encoder::default());
    let mut out = BytesMut::with_capacity(1024);
    group.bench_function("encode", |bencher| {
        bencher.iter(|| {
            out.clear();
            encoder.put_message(&mut out, black_box(&message));
        });
    });
    group.finish();
}

/// What a room does with a batch, but for the queues around it: encode, keep in the window.
fn room(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("room");
    group.throughput(Throughput::Elements(u64::try_from(ROOM_BATCH_MESSAGES).unwrap()));
    let mut encoder = native::Encoder::default();
    let mut window = Window::new(Offset::ZERO);
    let next = message(1);
    group.bench_function("append a batch", |bencher| {
        bencher.iter(|| {
            let mut out = BytesMut::new();
            let mut marks = Vec::with_capacity(ROOM_BATCH_MESSAGES);
            for _ in 0..ROOM_BATCH_MESSAGES {
                encoder.put_message(&mut out, &next);
                marks.push(Mark { end: out.len(), sender: next.sender.id, id: next.id, is_gone: false });
            }
            let frames = out.freeze();
            window.push(frames.clone(), &marks, Instant::now());
            frames
        });
    });
    group.finish();
}

criterion_group!(benches, wire, room);
criterion_main!(benches);
