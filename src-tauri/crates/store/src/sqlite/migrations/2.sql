-- Version 2: what entries say of one another, when they expire, what is pinned, drafts, and what a search finds.
-- From here on `entry.id` is a place in time (milliseconds shown << 8 | counter), so that rows and full-text postings
-- lie in the order in which people look for them. Older ids are small and so count as older.

-- Membership alone is read by kind, and it is a handful of entries.
DROP INDEX entry_kind;
CREATE INDEX entry_state ON entry (room, ord) WHERE kind < 32;
CREATE INDEX entry_shown ON entry (room, shown, kind);

-- The last PROFILE and RECEIPT of each author, so that a start need not look through all of them.
CREATE TABLE latest (
  room   INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  kind   INTEGER NOT NULL,
  author BLOB    NOT NULL CHECK (length(author) = 32),
  ord    BLOB    NOT NULL CHECK (length(ord) = 72),
  entry  INTEGER NOT NULL,
  PRIMARY KEY (room, kind, author)
) STRICT, WITHOUT ROWID;
INSERT INTO latest (room, kind, author, ord, entry)
  SELECT room, kind, substr(ord, 9, 32), ord, id FROM entry WHERE kind IN (34, 35) ORDER BY ord
  ON CONFLICT DO UPDATE SET ord = excluded.ord, entry = excluded.entry;

CREATE TABLE about (
  entry  INTEGER NOT NULL PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
  room   INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  target BLOB    NOT NULL CHECK (length(target) = 32),
  ord    BLOB    NOT NULL CHECK (length(ord) = 72),
  kind   INTEGER NOT NULL
) STRICT;
CREATE INDEX about_target ON about (room, target, ord, kind);

-- The last PIN of each target.
CREATE TABLE pin (
  room   INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  target BLOB    NOT NULL CHECK (length(target) = 32),
  ord    BLOB    NOT NULL CHECK (length(ord) = 72),
  entry  INTEGER NOT NULL,
  pins   INTEGER NOT NULL CHECK (pins IN (0, 1)),
  PRIMARY KEY (room, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX pin_on ON pin (room, ord) WHERE pins = 1;

-- `at` is unsigned milliseconds less 2^63, so that it sorts.
CREATE TABLE expiry (
  entry INTEGER NOT NULL PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
  at    INTEGER NOT NULL
) STRICT;
CREATE INDEX expiry_at ON expiry (at);

-- The words of an entry as they were said. Each room's full-text index is a table of its own, search_<room.id>: made
-- and dropped with the room, because to drop one is quick where to delete its rows is not.
CREATE TABLE wording (
  entry INTEGER NOT NULL PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
  text  TEXT    NOT NULL
) STRICT;

CREATE TABLE draft (
  room INTEGER NOT NULL PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
  text TEXT    NOT NULL
) STRICT;
