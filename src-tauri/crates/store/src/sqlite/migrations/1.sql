-- Version 1. Never edited once released: the next version is a file of its own, applied on top.
CREATE TABLE identity (
  id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  secret BLOB    NOT NULL CHECK (length(secret) = 32),
  log    BLOB    NOT NULL CHECK (length(log) = 16),
  name   TEXT    NOT NULL
) STRICT;

CREATE TABLE avatar (
  id    INTEGER NOT NULL PRIMARY KEY REFERENCES identity (id) ON DELETE CASCADE,
  bytes BLOB    NOT NULL
) STRICT;

CREATE TABLE setting (
  key   TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE room (
  id       INTEGER NOT NULL PRIMARY KEY,
  hash     BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
  standing INTEGER NOT NULL CHECK (standing IN (1, 2, 3)) -- member, knocking, gone
) STRICT;

CREATE TABLE room_broker (
  room     INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  url      TEXT    NOT NULL,
  PRIMARY KEY (room, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE knock (
  room INTEGER NOT NULL PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
  link TEXT    NOT NULL
) STRICT;

CREATE TABLE epoch (
  room  INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,
  key   BLOB    NOT NULL CHECK (length(key) = 32),
  PRIMARY KEY (room, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
  id     INTEGER NOT NULL PRIMARY KEY,
  room   INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  author BLOB    NOT NULL CHECK (length(author) = 32),
  name   BLOB    NOT NULL CHECK (length(name) = 16),
  UNIQUE (room, author, name)
) STRICT;

-- `ord` is the OrderKey as bytes that sort like it: clock, big-endian (8) | author (32) | hash (32).
-- `blobs` is the offered hashes, one after the other; `offer` finds them.
CREATE TABLE entry (
  id         INTEGER NOT NULL PRIMARY KEY,
  room       INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  log        INTEGER NOT NULL REFERENCES log (id) ON DELETE CASCADE,
  seq        INTEGER NOT NULL CHECK (seq >= 0),
  hash       BLOB    NOT NULL CHECK (length(hash) = 32),
  ord        BLOB    NOT NULL CHECK (length(ord) = 72),
  kind       INTEGER NOT NULL,
  header     BLOB    NOT NULL,
  signature  BLOB    NOT NULL CHECK (length(signature) = 64),
  salt       BLOB    NOT NULL CHECK (length(salt) = 16),
  blobs      BLOB    NOT NULL CHECK (length(blobs) % 32 = 0),
  first_seen INTEGER NOT NULL, -- unsigned milliseconds, stored as the same 64 bits
  shown      INTEGER NOT NULL, -- likewise
  UNIQUE (log, seq),
  UNIQUE (room, hash)
) STRICT;
CREATE INDEX entry_timeline ON entry (room, ord, kind);
CREATE INDEX entry_kind ON entry (room, kind, ord);

-- Apart from its entry, because it may be deleted while the entry stays, and so that indexes scan short rows.
CREATE TABLE payload (
  entry INTEGER NOT NULL PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
  bytes BLOB    NOT NULL
) STRICT;

CREATE TABLE offer (
  blob  BLOB    NOT NULL CHECK (length(blob) = 32),
  entry INTEGER NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
  PRIMARY KEY (blob, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX offer_entry ON offer (entry);

CREATE TABLE frontier (
  room INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  hash BLOB    NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (room, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE held (
  room   INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  holder BLOB    NOT NULL CHECK (length(holder) = 32),
  author BLOB    NOT NULL CHECK (length(author) = 32),
  log    BLOB    NOT NULL CHECK (length(log) = 16),
  seq    INTEGER NOT NULL, -- unsigned, stored as the same 64 bits
  PRIMARY KEY (room, holder, author, log)
) STRICT, WITHOUT ROWID;

CREATE TABLE read_mark (
  room INTEGER NOT NULL PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
  ord  BLOB    NOT NULL CHECK (length(ord) = 72)
) STRICT;

CREATE TABLE invite (
  id   INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  room INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  link TEXT    NOT NULL,
  UNIQUE (room, link)
) STRICT;
