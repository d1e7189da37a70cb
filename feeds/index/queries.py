"""The hot queries, for the reader and the writer: a test holds each to one range of a key."""

#: The most frequent spelling of a feed's name; NULL if several publish under one domain.
SPELLING = """
SELECT name FROM spelling WHERE feed = {0}
AND (SELECT min(feed) FROM spelling WHERE feed BETWEEN {0} || '/' AND {0} || '0')
 IS (SELECT max(feed) FROM spelling WHERE feed BETWEEN {0} || '/' AND {0} || '0')
ORDER BY count DESC, name LIMIT 1"""

#: The language of all articles of a feed; NULL if they have several.
LANGUAGE = """
SELECT CASE WHEN min(tag) = max(tag) THEN min(tag) END FROM language
WHERE feed = {0} AND count > 0"""

#: The moment of a change that has none yet: after any time that HTTP can write.
UNDATED = 2**40

FEEDS = f"""
SELECT feed.path, feed.count, feed.modified, coalesce(feed.changed, {UNDATED}), feed.shown,
       ({SPELLING.format("feed.path")}),
       (SELECT published FROM membership WHERE feed = feed.path
        ORDER BY published DESC LIMIT 1),
       (SELECT moment FROM loss WHERE feed = feed.path),
       ({LANGUAGE.format("feed.path")})
FROM feed"""

MONTHS = f"SELECT month, count, modified, coalesce(changed, {UNDATED}) FROM archive WHERE feed = ?"

#: Of each feed with two articles or more: how many the month of its newest article and the two
#: before it have, when these months began, and when its newest and its oldest article were
#: published. Months are counted already, however many articles they have.
RECENT = """
SELECT feed.path,
       (SELECT total(count) FROM archive WHERE feed = feed.path
        AND month >= strftime('%Y-%m', newest, 'unixepoch', 'start of month', '-2 months')),
       CAST(strftime('%s', newest, 'unixepoch', 'start of month', '-2 months') AS INTEGER),
       newest,
       (SELECT published FROM membership WHERE feed = feed.path ORDER BY published LIMIT 1)
FROM (SELECT path, (SELECT published FROM membership WHERE feed = path
                    ORDER BY published DESC LIMIT 1) AS newest
      FROM feed WHERE count > 1 AND path BETWEEN ? AND ?) AS feed"""

ROWS = """
SELECT id, published, updated, weight, hash FROM membership
WHERE feed = ? AND published BETWEEN ? AND ? ORDER BY published DESC, id LIMIT ?"""

HEAVIER = "SELECT total(weight) > ? FROM membership WHERE feed = ? AND published BETWEEN ? AND ?"

#: Two rows: the month before and the one after.
NEIGHBOURS = """
SELECT max(month) FROM archive WHERE feed = ? AND count > 0 AND month < ?
UNION ALL SELECT min(month) FROM archive WHERE feed = ? AND count > 0 AND month > ?"""

AFTER = """
SELECT published FROM membership
WHERE feed = ? AND published <= ? AND (published < ? OR id > ?)
ORDER BY published DESC, id LIMIT 1"""
