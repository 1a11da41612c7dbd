-- a person's popular posts; the timeline of popular posts looks here once per person followed
create index post_author_score on post (author_id, score, id);

-- accounts whose address was never proved, the oldest first, to be purged
create index users_verified_at on users (verified_at, created_at);

-- Behind the words of each post now stands each of its letters, so that a search for one finds it in the index. Every
-- letter of what was indexed before begins a pair, or is the last one of a word.
update post_search set words = words || (
    select coalesce(string_agg(distinct substr(term, 1, 1), ' ') || ' ', '')
    from unnest(string_to_array(words, ' ')) as term where term <> ''
);
