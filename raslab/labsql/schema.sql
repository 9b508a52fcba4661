-- A facility: a storage facility that was built in the lab.
CREATE TABLE facility (
  facility    TEXT PRIMARY KEY, -- its serial number; behind it (1), (2) where another of the same number took its place
  time        TEXT,             -- where its clock stands
  replaced    INTEGER NOT NULL  -- 1: another facility of the same number took its place, and only the log is left
);
-- A command: what was typed. Entry 1 of a lab says how it was made, so commands begin at 2.
CREATE TABLE command (
  entry    INTEGER PRIMARY KEY,
  time     TEXT,          -- of the facility at hand, when it was done
  language TEXT NOT NULL, -- console or dscli
  command  TEXT NOT NULL, -- with all its values
  verdict  TEXT NOT NULL  -- done, failed or refused
);
-- A line of a facility's log.
CREATE TABLE trace (
  facility TEXT NOT NULL REFERENCES facility,
  seq      INTEGER NOT NULL, -- from 1
  entry    INTEGER NOT NULL REFERENCES command, -- during which it was written
  time     TEXT NOT NULL,
  actor    TEXT NOT NULL, -- service, health check, rank R0, key server, power and so on
  text     TEXT NOT NULL,
  PRIMARY KEY (facility, seq)
);
-- A serviceable event.
CREATE TABLE event (
  facility   TEXT NOT NULL REFERENCES facility,
  id         INTEGER NOT NULL, -- the problem number, from 1
  src        TEXT NOT NULL,    -- the service reference code
  severity   TEXT NOT NULL,
  first      TEXT NOT NULL,
  last       TEXT NOT NULL,
  count      INTEGER NOT NULL, -- how often it was found
  open       INTEGER NOT NULL, -- 0 or 1
  closed     TEXT,
  closed_by  TEXT NOT NULL,
  closed_why TEXT NOT NULL,
  call_home  TEXT NOT NULL,
  record     TEXT NOT NULL,    -- of the support centre, or empty
  PRIMARY KEY (facility, id)
);
-- A place that an event is about, and what was found there.
CREATE TABLE event_place (
  facility TEXT NOT NULL,
  event    INTEGER NOT NULL,
  position INTEGER NOT NULL, -- in the order in which they were found, from 1
  slot     TEXT NOT NULL,    -- of a drive, or empty
  location TEXT NOT NULL,    -- the location code, or empty
  found    TEXT NOT NULL,
  PRIMARY KEY (facility, event, position)
);
-- What to replace or to go through for an event.
CREATE TABLE event_fru (
  facility TEXT NOT NULL,
  event    INTEGER NOT NULL,
  position INTEGER NOT NULL, -- in the order of replacement, from 1
  fru      TEXT NOT NULL,
  PRIMARY KEY (facility, event, position)
);
-- A slot, and the drive in it.
CREATE TABLE drive (
  facility TEXT NOT NULL REFERENCES facility,
  slot     TEXT NOT NULL,
  location TEXT NOT NULL,
  serial   TEXT NOT NULL, -- empty if the slot is
  site     TEXT NOT NULL, -- array site
  rank     TEXT NOT NULL,
  use      TEXT NOT NULL,
  state    TEXT NOT NULL,
  why      TEXT NOT NULL,
  keys     TEXT NOT NULL, -- the state of the drive's lifecycle; empty for one that does not answer or cannot encrypt
  locked   INTEGER NOT NULL,
  PRIMARY KEY (facility, slot)
);
CREATE TABLE rank (
  facility   TEXT NOT NULL REFERENCES facility,
  id         TEXT NOT NULL,
  array      TEXT NOT NULL,
  key_group  INTEGER NOT NULL, -- 0: not encrypted
  state      TEXT NOT NULL,
  data_state TEXT NOT NULL,
  PRIMARY KEY (facility, id)
);
CREATE TABLE rank_member (
  facility TEXT NOT NULL,
  rank     TEXT NOT NULL,
  position INTEGER NOT NULL, -- from 1
  slot     TEXT NOT NULL,
  PRIMARY KEY (facility, rank, position)
);
-- An encryption group.
CREATE TABLE key_group (
  facility TEXT NOT NULL REFERENCES facility,
  id       INTEGER NOT NULL,
  state    TEXT NOT NULL,
  type     TEXT NOT NULL,
  why      TEXT NOT NULL,
  PRIMARY KEY (facility, id)
);
CREATE TABLE key_group_member (
  facility  TEXT NOT NULL,
  key_group INTEGER NOT NULL,
  serial    TEXT NOT NULL,
  PRIMARY KEY (facility, key_group, serial)
);
-- A key manager: a key server that the facility knows.
CREATE TABLE key_manager (
  facility  TEXT NOT NULL REFERENCES facility,
  id        INTEGER NOT NULL,
  addr      TEXT NOT NULL,
  port      INTEGER NOT NULL,
  key_group INTEGER NOT NULL,
  state     TEXT NOT NULL,
  status    TEXT NOT NULL,
  PRIMARY KEY (facility, id)
);
-- When a key manager was asked last for the key of a group.
CREATE TABLE key_retrieval (
  facility     TEXT NOT NULL REFERENCES facility,
  key_group    INTEGER NOT NULL,
  key_manager  INTEGER NOT NULL,
  last         TEXT NOT NULL, -- what came: success, failure, or empty
  last_success TEXT,
  last_failure TEXT,
  PRIMARY KEY (facility, key_group, key_manager)
);
-- A partition (LPAR) of the storage facility image.
CREATE TABLE partition (
  facility    TEXT NOT NULL REFERENCES facility,
  id          INTEGER NOT NULL,
  state       TEXT NOT NULL,
  data_access INTEGER NOT NULL,
  last_iml    TEXT,
  PRIMARY KEY (facility, id)
);
-- The serviceable events that are open, with their places.
CREATE VIEW open_event AS
  SELECT e.facility, e.id, e.src, e.severity, e.first, e.count, p.slot, p.location, p.found
  FROM event e LEFT JOIN event_place p ON p.facility = e.facility AND p.event = e.id
  WHERE e.open;
-- What service actions did, with the command that asked for it.
CREATE VIEW service_action AS
  SELECT t.facility, t.seq, t.time, t.text, t.entry, c.command, c.verdict
  FROM trace t JOIN command c USING (entry)
  WHERE t.actor = 'service';
-- The log lines in which a drive is named, by slot or serial number, for the drives that are there now.
CREATE VIEW drive_history AS
  SELECT d.facility, d.slot, d.serial, t.seq, t.time, t.actor, t.text
  FROM drive d JOIN trace t ON t.facility = d.facility
  WHERE t.actor = d.slot OR instr(t.text || ' ', d.slot || ' ') OR d.serial <> '' AND instr(t.text || ' ', d.serial || ' ');
