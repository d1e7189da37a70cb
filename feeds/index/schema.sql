-- The index: a disposable copy of the content folder. Everything but the times in `feed` and
-- `archive` can be read from the folder again.

CREATE TABLE IF NOT EXISTS meta (
    key TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

-- Every file found, and its outcome.
CREATE TABLE IF NOT EXISTS file (
    folder TEXT NOT NULL,       -- below the content folder; '' for itself
    name TEXT NOT NULL,
    stamp TEXT NOT NULL,        -- time, size and inode when it was read
    id TEXT,                    -- of its article, also where another file's has the same
    reason TEXT,                -- NULL when it is served
    line INTEGER,
    key TEXT,
    message TEXT NOT NULL,
    due INTEGER,                -- when it must be read again, because a date in it is reached
    PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_due ON file (due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS file_id ON file (id) WHERE id IS NOT NULL;
CREATE INDEX IF NOT EXISTS file_reason ON file (reason) WHERE reason IS NOT NULL;

-- Every article that is served.
CREATE TABLE IF NOT EXISTS article (
    id TEXT PRIMARY KEY,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,         -- of what a subscriber can see
    published INTEGER NOT NULL,
    feeds TEXT NOT NULL,        -- JSON: its memberships
    body BLOB NOT NULL,         -- JSON: the Article
    UNIQUE (folder, name)
);

-- The images of this site that an article shows, and their sizes when it was read.
CREATE TABLE IF NOT EXISTS picture (
    id TEXT NOT NULL,
    url TEXT NOT NULL,
    length INTEGER,             -- NULL when there was no such file
    PRIMARY KEY (url, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS picture_id ON picture (id);

-- Which articles a feed holds: one range of this key, newest first, is a feed.
CREATE TABLE IF NOT EXISTS membership (
    feed TEXT NOT NULL,
    published INTEGER NOT NULL,
    id TEXT NOT NULL,
    updated INTEGER NOT NULL,
    weight INTEGER NOT NULL,    -- bytes that the article takes in a document, at most
    hash BLOB NOT NULL,
    PRIMARY KEY (feed, published DESC, id)
) WITHOUT ROWID;

-- Every feed that ever held an article: it stays known when the last one is gone.
CREATE TABLE IF NOT EXISTS feed (
    path TEXT PRIMARY KEY,
    count INTEGER NOT NULL DEFAULT 0,
    modified INTEGER NOT NULL   -- Last-Modified: later with every change that can be seen
) WITHOUT ROWID;

-- Its months.
CREATE TABLE IF NOT EXISTS archive (
    feed TEXT NOT NULL,
    month TEXT NOT NULL,
    count INTEGER NOT NULL DEFAULT 0,
    modified INTEGER NOT NULL,
    PRIMARY KEY (feed, month)
) WITHOUT ROWID;

-- How articles spell the name of a feed, and how many do.
CREATE TABLE IF NOT EXISTS spelling (
    feed TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (feed, name)
) WITHOUT ROWID;

-- The time at which an article was last withdrawn from a feed, kept after the announcement ends: it
-- stays the time of the feed's last change.
CREATE TABLE IF NOT EXISTS loss (
    feed TEXT PRIMARY KEY,
    moment INTEGER NOT NULL
) WITHOUT ROWID;

-- Articles that were served and are no more, for a while (RFC 6721).
CREATE TABLE IF NOT EXISTS withdrawal (
    feed TEXT NOT NULL,
    id TEXT NOT NULL,
    moment INTEGER NOT NULL,
    PRIMARY KEY (feed, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS withdrawal_moment ON withdrawal (moment);
CREATE INDEX IF NOT EXISTS withdrawal_id ON withdrawal (id);
