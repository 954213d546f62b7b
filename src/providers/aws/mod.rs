//! Amazon Web Services through the official SDK.
