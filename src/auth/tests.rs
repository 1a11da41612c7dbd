//! The whole edge over a temporary database, called as clients call it. Test names that begin with `defect_` exclude
//! the defect of that number in the system that this one replaces.

mod access;
mod account;
mod browser;
mod harness;
mod login;
mod own;
mod problem;
mod socket;
mod token;
