//! Stored objects as rows in a transactional store, the journal, locks, and the exchange format.
