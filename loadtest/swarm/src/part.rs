//! A swarm that is larger than what one process may hold is spread over several, by rooms.
//!
//! The parts share nothing but the moments at which all of them have come equally far, such as being complete: each says
//! so on its standard output and waits for a line on its standard input.

use anyhow::{Context, ensure};
use std::io::BufRead;
use std::str::FromStr;

use crate::scenario::{Crowd, Plan, Scenario};

/// What a part says when it waits for the others.
pub const READY: &str = "ready";

/// Which part of how many, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl Part {
    /// The swarm in one piece.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// The number of the part's first room.
    pub const fn first_room(self, rooms: usize) -> usize {
        self.index * rooms / self.of
    }

    /// The crowd of this part: its share of the rooms.
    ///
    /// # Errors
    ///
    /// When the scenario cannot be split.
    pub fn crowd(self, scenario: &Scenario) -> anyhow::Result<Crowd> {
        let crowd = &scenario.crowd;
        let is_one = matches!(scenario.plan, Plan::Ramp { .. } | Plan::Overload | Plan::Notifications { .. });
        ensure!(
            self.of == 1 || !is_one,
            "a search for the highest rate runs in one process, because its steps depend on each other, \
             and so do notifications"
        );
        ensure!(
            self.of <= crowd.rooms,
            "expected at most one part per room, got {} parts for {}",
            self.of,
            crowd.rooms
        );
        let rooms =
            Self { index: self.index + 1, ..self }.first_room(crowd.rooms) - self.first_room(crowd.rooms);
        let parts = u64::try_from(self.of)?;
        Ok(Crowd { rooms, connects_per_s: (crowd.connects_per_s / parts).max(1), ..crowd.clone() })
    }

    /// Waits until all parts have got here.
    ///
    /// # Errors
    ///
    /// When the process that started the parts is gone.
    pub fn meet(self) -> anyhow::Result<()> {
        if self.of > 1 {
            println!("{READY}");
            let read = std::io::stdin().lock().read_line(&mut String::new())?;
            ensure!(read > 0, "the process that started this part is gone");
        }
        Ok(())
    }
}

impl FromStr for Part {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (index, of) = text.split_once('/').context("expected a part such as 0/4")?;
        let part = Self { index: index.parse()?, of: of.parse()? };
        ensure!(part.index < part.of, "expected a part below {}, got {}", part.of, part.index);
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(rooms: usize, plan: &str) -> Scenario {
        Scenario::parse(&format!("about = ''\n[crowd]\nrooms = {rooms}\n[plan]\n{plan}"), &[]).unwrap()
    }

    #[test]
    fn the_parts_have_each_room_once() {
        let scenario = scenario(10, "kind = 'fanout'");
        let mut next = 0;
        for index in 0..3 {
            let part = Part { index, of: 3 };
            assert_eq!(part.first_room(10), next);
            next += part.crowd(&scenario).unwrap().rooms;
        }
        assert_eq!(next, 10);
    }

    #[test]
    fn what_cannot_be_split_says_so() {
        let part = Part { index: 0, of: 2 };
        assert!(
            part.crowd(&scenario(1, "kind = 'fanout'"))
                .unwrap_err()
                .to_string()
                .contains("one part per room")
        );
        assert!(
            part.crowd(&scenario(9, "kind = 'overload'")).unwrap_err().to_string().contains("one process")
        );
    }

    #[test]
    fn parts_are_read_as_they_are_written() {
        assert_eq!("1/3".parse::<Part>().unwrap(), Part { index: 1, of: 3 });
        assert!("3/3".parse::<Part>().is_err() && "x".parse::<Part>().is_err());
    }
}
