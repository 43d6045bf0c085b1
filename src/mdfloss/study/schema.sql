PRAGMA user_version = 1;
CREATE TABLE IF NOT EXISTS sessions (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,            -- what the participant's link signs
  observer TEXT NOT NULL,              -- a pseudonym
  assignment TEXT NOT NULL DEFAULT '', -- ids of the work unit, as the platform gave them
  hit TEXT NOT NULL DEFAULT '',
  stage TEXT NOT NULL DEFAULT 'consent' CHECK (stage IN ('consent', 'instructions', 'trials', 'finished')),
  created REAL NOT NULL,
  finished REAL
) STRICT;
CREATE TABLE IF NOT EXISTS trials (
  id INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES sessions (id),
  position INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('practice', 'real', 'golden')),
  scene TEXT NOT NULL,
  left_condition TEXT NOT NULL,
  right_condition TEXT NOT NULL CHECK (right_condition <> left_condition),
  nonce TEXT NOT NULL UNIQUE,          -- given out when the trial is shown, asked for when it is voted on
  pause TEXT NOT NULL DEFAULT '',      -- screen that comes before it, emptied when left
  shown REAL,
  UNIQUE (session, position)
) STRICT;
CREATE TABLE IF NOT EXISTS votes (
  trial INTEGER PRIMARY KEY REFERENCES trials (id), -- one vote a trial, whatever happens
  left_selected INTEGER NOT NULL CHECK (left_selected IN (0, 1)),
  voted REAL NOT NULL,
  milliseconds INTEGER,
  input TEXT NOT NULL DEFAULT '',
  zoom REAL
) STRICT;
