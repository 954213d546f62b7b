//! The JSON forms.
