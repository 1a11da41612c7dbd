-- What is traded, as the exchange lists it.
create table market (
    -- quote currency, dash, base currency: KRW-BTC
    code text collate "C" not null primary key,
    korean_name text not null,
    english_name text not null,
    -- 1 while the exchange warns against trading it, otherwise 0
    warning smallint not null check (warning in (0, 1))
);
