//! How a list is cut into pages.

use crate::Offset;

/// Which end of a room's history a page lies at. The bound itself is not on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageBound {
    /// The newest messages.
    Latest,
    /// The newest messages before this one: scrolling up.
    Before(Offset),
    /// The oldest messages after this one: catching up.
    After(Offset),
}
