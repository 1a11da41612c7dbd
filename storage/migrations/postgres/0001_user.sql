-- What is looked up or sorted has the collation "C", which compares byte by byte: as the other engines do, whatever the
-- database was made with, and without indexes that a new version of the C library turns into wrong ones.

-- People with an account. The table is called users because user is a reserved word in PostgreSQL.
create table users (
    -- made by the application, rising with time
    id bigint not null primary key,
    -- as the person wrote it, 2 to 20 characters
    name text not null,
    -- the name with letter case folded away by the application: no two people differ only in case
    name_folded text collate "C" not null unique,
    -- lower case; the name one logs in with
    email text collate "C" not null unique,
    -- argon2id in PHC string format, with its own salt and parameters
    password_hash text not null,
    -- what the person may do: user or admin
    role text not null check (role in ('user', 'admin')),
    -- when the mail address was proved, epoch ms; null until then
    verified_at bigint,
    -- what the person says about herself
    intro text,
    -- where her picture is
    avatar_url text collate "C",
    -- epoch ms
    created_at bigint not null
);
