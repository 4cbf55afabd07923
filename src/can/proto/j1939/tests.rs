//! What each part does.
