//! How the exchange spells an order book. <https://docs.upbit.com/kr/reference/websocket-orderbook>
//!
//! On the socket the prices are Java doubles; REST spells all numbers plainly, in another order of keys.

use super::{Keys, Object, StreamType, frame, java_double, shortest};
use crate::book::Book;
use crate::decimal::{Price, Volume};
use crate::request::Format;

/// How a number is written.
type Spelling<N> = fn(N) -> String;

/// One book frame.
pub(crate) fn book_frame(book: &Book, format: Format, stream: StreamType) -> String {
    frame(format, |keys| {
        let (price, size): (Spelling<Price>, Spelling<Volume>) = match keys {
            Keys::Full => (java_double::<8>, |size| size.to_string()),
            Keys::Short => (shortest, java_double::<8>),
        };
        let unit = |unit: &crate::book::Unit| {
            let mut object = Object::new(keys);
            object
                .raw("ask_price", "ap", price(unit.ask_price))
                .raw("bid_price", "bp", price(unit.bid_price))
                .raw("ask_size", "as", size(unit.ask_size))
                .raw("bid_size", "bs", size(unit.bid_size));
            object.end()
        };
        let units: Vec<String> = book.units.iter().map(unit).collect();
        let mut object = Object::new(keys);
        object
            .word("type", "ty", "orderbook")
            .word("code", "cd", &book.code)
            .raw("timestamp", "tms", book.at.as_millisecond())
            .raw("total_ask_size", "tas", size(book.total_ask_size()))
            .raw("total_bid_size", "tbs", size(book.total_bid_size()))
            .raw("orderbook_units", "obu", format_args!("[{}]", units.join(",")))
            .word("stream_type", "st", stream.name())
            .raw("level", "lv", shortest(book.level));
        object.end()
    })
}

/// One row of the REST answer.
pub(crate) fn rest_book(book: &Book) -> String {
    let unit = |unit: &crate::book::Unit| {
        let mut object = Object::new(Keys::Full);
        object
            .raw("bid_price", "", shortest(unit.bid_price))
            .raw("bid_size", "", shortest(unit.bid_size))
            .raw("ask_price", "", shortest(unit.ask_price))
            .raw("ask_size", "", shortest(unit.ask_size));
        object.end()
    };
    let units: Vec<String> = book.units.iter().map(unit).collect();
    let mut object = Object::new(Keys::Full);
    object
        .word("market", "", &book.code)
        .raw("timestamp", "", book.at.as_millisecond())
        .raw("total_ask_size", "", shortest(book.total_ask_size()))
        .raw("total_bid_size", "", shortest(book.total_bid_size()))
        .raw("orderbook_units", "", format_args!("[{}]", units.join(",")))
        .raw("level", "", shortest(book.level));
    object.end()
}
