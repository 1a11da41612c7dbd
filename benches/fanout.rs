//! What it costs to hand one piece of frames to ten thousand outboxes, and to take it out again.

#![allow(missing_docs, reason = "criterion makes functions")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tickroom_actors::limits::{OUTBOX_BYTES, WRITE_FRAMES};
use tickroom_actors::session::Outbox;

const OUTBOXES: usize = 10_000;

fn fanout(criterion: &mut Criterion) {
    let turnstile = Arc::default();
    let outboxes: Vec<Outbox> =
        (0..OUTBOXES).map(|_| Outbox::new(OUTBOX_BYTES, Arc::clone(&turnstile))).collect();
    let frame = Bytes::from(vec![0; 300]);
    let mut batch = VecDeque::new();
    let mut take = |outbox: &Outbox| {
        let mut context = Context::from_waker(Waker::noop());
        let taken = outbox.poll_take(&mut context, &mut batch, WRITE_FRAMES);
        batch.clear();
        taken
    };
    let mut group = criterion.benchmark_group("fanout to 10,000 outboxes");
    group.throughput(Throughput::Elements(10_000));
    group.bench_function("lossless", |bencher| {
        bencher.iter(|| {
            for outbox in &outboxes {
                outbox.push(frame.clone());
            }
            outboxes.iter().map(&mut take).filter(std::task::Poll::is_ready).count()
        });
    });
    group.bench_function("conflated, ten prices of one market", |bencher| {
        bencher.iter(|| {
            for _ in 0..10 {
                for outbox in &outboxes {
                    outbox.conflate(7, frame.clone());
                }
            }
            outboxes.iter().map(&mut take).filter(std::task::Poll::is_ready).count()
        });
    });
    group.finish();
}

criterion_group!(benches, fanout);
criterion_main!(benches);
