-- Changes that go one by one, whoever makes them. A transaction locks its row until it ends. SQLite, which has one writer,
-- needs no such thing.
create table turn (
    -- which changes
    name text collate "C" not null primary key
);

insert into turn (name) values ('candle'), ('notification');

-- What was traded in a window of time, as the exchange sums it up. Windows without a trade have no row. Numbers are
-- exact decimals in their plain spelling, the same on every engine.
create table candle (
    market text collate "C" not null,
    -- 1m, 3m, 5m, 10m, 15m, 30m, 60m, 240m, 1d, 1w, 1M or 1y
    interval_name text collate "C" not null,
    -- the beginning of the window, epoch ms
    starts_at bigint not null,
    opening_price text not null,
    high_price text not null,
    low_price text not null,
    -- of the last trade in it
    trade_price text not null,
    -- in the base currency
    volume text not null,
    -- in the quote currency
    turnover text not null,
    -- the last trade in it, epoch ms: of two states of a running window, the later one has more of it
    traded_at bigint not null,
    -- also the index that charts are read by
    primary key (market, interval_name, starts_at)
);

-- For which time the candles of a market are complete: closed windows that were read from the exchange, or made of such.
-- What no row covers is a gap, and what a backfill has still to read. The spans of one market and interval never touch.
create table candle_coverage (
    market text collate "C" not null,
    interval_name text collate "C" not null,
    -- epoch ms
    from_at bigint not null,
    -- the first moment that is not covered any more, epoch ms
    until_at bigint not null,
    primary key (market, interval_name, from_at)
);

-- Somebody asked for old candles. How far it has come is in candle_coverage, so a restart goes on where it was.
create table candle_backfill (
    -- made by the application, rising with time
    id bigint not null primary key,
    market text collate "C" not null,
    interval_name text collate "C" not null,
    -- epoch ms
    from_at bigint not null,
    -- epoch ms, not included
    until_at bigint not null,
    -- requests to the exchange so far
    requests bigint not null,
    -- candles that were new or different so far
    changes bigint not null,
    -- epoch ms
    created_at bigint not null,
    -- epoch ms; null while there is something to do
    finished_at bigint,
    -- done, failed or cancelled; null while there is something to do
    outcome text check (outcome in ('done', 'failed', 'cancelled')),
    -- why it failed
    failure text
);

create index candle_backfill_finished_at on candle_backfill (finished_at, id);
