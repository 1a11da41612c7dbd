//! tickroom
