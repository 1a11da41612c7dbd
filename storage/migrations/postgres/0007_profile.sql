-- What a person may add about herself. All of it is optional, and what is asked for recommendations only is private
-- until she shows it.
alter table users add column birth_year smallint;
-- ISO 3166: a country, KR, or a part of one, KR-11
alter table users add column region text;
-- a JSON list of short texts
alter table users add column interests text;
-- 1 where everybody may see it, otherwise 0
alter table users add column birth_year_public smallint not null default 0 check (birth_year_public in (0, 1));
alter table users add column region_public smallint not null default 0 check (region_public in (0, 1));
alter table users add column interests_public smallint not null default 0 check (interests_public in (0, 1));

-- Whose picture it is. Two people with the same picture have the same URL, so it is looked up before files are deleted.
create index users_avatar_url on users (avatar_url);

-- Every end of every name, so that a search for any part of a name is a range of an index on every engine, from the
-- first letter on. Full-text indexes begin at two or three letters, where a Korean name often ends.
create table user_name_part (
    user_id bigint not null references users (id) on delete cascade,
    -- how many letters of the folded name stand before the part
    place smallint not null,
    -- 1 for the whole name, whose place is 0; otherwise 0. Names that begin with what is searched come first
    is_whole smallint not null check (is_whole in (0, 1)),
    -- the rest of the folded name from there on. Compared byte by byte
    part text collate "C" not null,
    primary key (user_id, place)
);

create index user_name_part_part on user_name_part (is_whole, part, user_id);

-- Pictures that may be of no use any more: replaced ones, and those whose upload began. Once one has been here for
-- some time and nobody's avatar_url says otherwise, its files are deleted, and then its row.
create table unused_picture (
    url text collate "C" not null primary key,
    -- epoch ms
    since bigint not null
);

create index unused_picture_since on unused_picture (since);
