-- Version 5 of the index: in which languages the articles of a feed are, and how many in each.

CREATE TABLE language (
    feed TEXT NOT NULL,
    tag TEXT NOT NULL,          -- BCP 47
    count INTEGER NOT NULL,
    PRIMARY KEY (feed, tag)
) WITHOUT ROWID;
