//! The tables in PostgreSQL: one row a state, one a resource instance, output, open intent and lease,
//! and those of earlier generations.

/// Taken by whoever makes the tables, until the end of the transaction: "Trne".
pub const ALONE: &str = "SELECT pg_advisory_xact_lock(1416785509)";

/// Makes what is asked for, where it is not there yet.
pub fn create(schema: &str, (with_schema, with_tables): (bool, bool)) -> String {
    let mut sql = String::new();
    if with_schema {
        sql.push_str(&format!("CREATE SCHEMA IF NOT EXISTS {schema};\n"));
    }
    if with_tables {
        sql.push_str(&TABLES.replace("SCHEMA", schema));
    }
    sql
}

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_states (
  workspace text PRIMARY KEY,
  lineage text NOT NULL,
  serial bigint NOT NULL,
  terraform_version text NOT NULL,
  written_by text NOT NULL,
  check_results text,
  -- The key that values are sealed with, wrapped; empty while they are in clear.
  sealed_with text NOT NULL DEFAULT '',
  fencing_token bigint NOT NULL DEFAULT 0,
  -- The last commit that came out of a journal.
  last_sent text NOT NULL DEFAULT ''
);
ALTER TABLE SCHEMA.terrane_states ADD COLUMN IF NOT EXISTS last_sent text NOT NULL DEFAULT '';
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_instances (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  address text NOT NULL,
  deposed text NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  checksum bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (workspace, address, deposed)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_outputs (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  name text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (workspace, name)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_intents (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  key text NOT NULL,
  token bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (workspace, key)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_history (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  address text NOT NULL,
  deposed text NOT NULL,
  -- The serial at which this version of the row was replaced or removed.
  ended bigint NOT NULL,
  created bigint NOT NULL,
  updated bigint NOT NULL,
  checksum bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (workspace, address, deposed, ended)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_past_outputs (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  name text NOT NULL,
  ended bigint NOT NULL,
  -- Null where there was no such output.
  body text,
  PRIMARY KEY (workspace, name, ended)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_generations (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  serial bigint NOT NULL,
  began bigint NOT NULL,
  who text NOT NULL,
  operation text NOT NULL,
  -- The sources that the body names.
  digests text[] NOT NULL,
  body text,
  PRIMARY KEY (workspace, serial)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_sources (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  digest text NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (workspace, digest)
);
CREATE TABLE IF NOT EXISTS SCHEMA.terrane_leases (
  workspace text NOT NULL REFERENCES SCHEMA.terrane_states ON DELETE CASCADE,
  id text NOT NULL,
  token bigint NOT NULL,
  expires bigint NOT NULL,
  body text NOT NULL,
  PRIMARY KEY (workspace, id)
);
";
