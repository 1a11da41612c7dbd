-- Where people talk: one room per market.
create table room (
    -- the code of its market: KRW-BTC
    name text collate "C" not null primary key,
    -- epoch ms
    created_at bigint not null
);
