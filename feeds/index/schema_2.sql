-- Version 2 of the index: since when a change can be seen, apart from its Last-Modified.

ALTER TABLE feed ADD COLUMN changed INTEGER;    -- when the last change was committed; NULL until it is
ALTER TABLE feed ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;   -- the time that lists of feeds show
UPDATE feed SET shown = modified;
CREATE INDEX feed_undated ON feed (path) WHERE changed IS NULL;

-- The month '' of the feed '' has the times of the last change to all documents.
ALTER TABLE archive ADD COLUMN changed INTEGER;
INSERT INTO archive SELECT '', '', 0, min(modified), NULL FROM feed HAVING count(*) > 0;
CREATE INDEX archive_undated ON archive (feed, month) WHERE changed IS NULL;
