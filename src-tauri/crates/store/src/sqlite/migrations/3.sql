-- Version 3: logs that were written twice, and the first entry of each branch that they go on in.
CREATE TABLE branch (
  room      INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
  author    BLOB    NOT NULL CHECK (length(author) = 32),
  log       BLOB    NOT NULL CHECK (length(log) = 16),
  at        INTEGER NOT NULL CHECK (at > 0),
  first     BLOB    NOT NULL CHECK (length(first) = 32),
  header    BLOB    NOT NULL,
  signature BLOB    NOT NULL CHECK (length(signature) = 64),
  PRIMARY KEY (room, author, log, at, first)
) STRICT, WITHOUT ROWID;
