//! Resources that live in the state alone: terraform_data, random_*, time_*, tls_*, local files.
