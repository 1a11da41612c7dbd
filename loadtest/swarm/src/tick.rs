//! The price dialect: how many prices came, how old they were, and whether any came out of order.
//!
//! Prices are conflated: a reader that is busy gets the latest and not all of them. So a gap in `seq` is no loss, only a
//! step back is a fault.

use crate::clock;
use crate::ledger::Ledger;
use crate::scan;

/// The command that begins to watch a market.
pub fn watch(market: &str) -> String {
    format!(r#"{{"market":"{market}"}}"#)
}

/// Books one price. A client's `seqs` has a place for each market; which one is whose is settled by the first price.
pub fn take(json: &[u8], seqs: &mut [u64], ledger: &mut Ledger) {
    let numbers = (scan::last_number(json, br#""seq""#), scan::last_number(json, br#""received""#));
    if scan::first_text(json, br#""type""#) == Some(b"AGE") {
        return ledger.note("age_frames");
    }
    let (Some(code), (Some(seq), Some(received_ms))) = (scan::first_text(json, br#""code""#), numbers) else {
        return ledger.note("strange_frames");
    };
    let Some(last) = ledger.market(code).and_then(|market| seqs.get_mut(market)) else {
        return ledger.note("strange_markets");
    };
    // The first price of a market may be an old one: it is the last known.
    let is_first = *last == 0;
    if !is_first && seq <= *last {
        return ledger.note("ticks_out_of_order");
    }
    let step = seq - std::mem::replace(last, seq);
    if is_first {
        return ledger.note("tick_snapshots");
    }
    ledger.outcome.count("ticks_spared", step - 1);
    ledger.note("ticks");
    // The server writes milliseconds, so a lag is up to one too long.
    let now_us = clock::wall_us();
    ledger.time("tick_lag", now_us.saturating_sub(received_ms * 1000));
    // The same from when the exchange sent it; of use when its clock is this one.
    if let Some(sent_ms) = scan::last_number(json, br#""timestamp""#) {
        ledger.time("tick_age", now_us.saturating_sub(sent_ms * 1000));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(code: &str, seq: u64) -> String {
        format!(
            r#"{{"type":"ticker","code":"{code}","trade_price":1.5,"received":1000,"seq":{seq},"simulated":true}}"#
        )
    }

    #[test]
    fn prices_are_counted_by_market_and_steps_back_are_caught() {
        let mut ledger = Ledger::new(1);
        ledger.markets = vec!["KRW-BTC".into(), "KRW-ETH".into()];
        let mut seqs = [0, 0];
        for (code, seq) in [("KRW-BTC", 5), ("KRW-ETH", 9), ("KRW-BTC", 6), ("KRW-BTC", 8), ("KRW-BTC", 7)] {
            take(price(code, seq).as_bytes(), &mut seqs, &mut ledger);
        }
        take(price("KRW-XXX", 1).as_bytes(), &mut seqs, &mut ledger);
        take(b"{}", &mut seqs, &mut ledger);
        let counts = ledger.outcome.counts;
        assert_eq!(seqs, [8, 9]);
        assert_eq!((counts["tick_snapshots"], counts["ticks"], counts["ticks_spared"]), (2, 2, 1));
        assert_eq!(
            (counts["ticks_out_of_order"], counts["strange_markets"], counts["strange_frames"]),
            (1, 1, 1)
        );
    }
}
