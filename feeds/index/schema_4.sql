-- Version 4 of the index: articles are found by their feeds and their words.

-- The number of an article stays when it changes and is never given to another: its place in the
-- table `found` contains it.
CREATE TABLE numbered (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,         -- of what a subscriber can see
    published INTEGER NOT NULL,
    feeds TEXT NOT NULL,        -- JSON: its memberships
    expires INTEGER,            -- seconds UTC; NULL when it never expires
    body BLOB NOT NULL,         -- JSON: the Article
    UNIQUE (folder, name)
);
INSERT INTO numbered SELECT rowid, id, folder, name, hash, published, feeds, expires, body
FROM article;
DROP TABLE article;
ALTER TABLE numbered RENAME TO article;
CREATE INDEX article_expires ON article (expires) WHERE expires IS NOT NULL;

-- The tokens of articles by place; they contain neither spaces nor capital letters. Only the place
-- is stored: a row is removed by the tokens with which it was written.
CREATE VIRTUAL TABLE found USING fts5 (
    tokens, content = '', detail = none, columnsize = 0, tokenize = "ascii tokenchars '%/-._~'"
);

-- Until all files are read again, nothing would be found.
INSERT INTO meta SELECT 'unsearchable', 1 FROM article LIMIT 1;
