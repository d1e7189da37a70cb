-- Version 3 of the index: an article carries its own expiry, which outlives its file.

ALTER TABLE article ADD COLUMN expires INTEGER;     -- seconds UTC; NULL when it never expires
CREATE INDEX article_expires ON article (expires) WHERE expires IS NOT NULL;

ALTER TABLE file ADD COLUMN expired INTEGER;        -- the date that withdrew its article
CREATE INDEX file_expired ON file (expired) WHERE expired IS NOT NULL;
