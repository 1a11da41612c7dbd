-- Markets of which somebody decided by hand whether they are followed; of the others the configuration does. A table of
-- its own, because a market may be decided about before the exchange lists it, and stays decided when it is delisted.
create table market_activation (
    -- the code of the market: KRW-BTC
    code text collate "C" not null primary key,
    -- 1 if it is followed, otherwise 0
    active smallint not null check (active in (0, 1)),
    -- when that was decided, epoch ms
    decided_at bigint not null
);
