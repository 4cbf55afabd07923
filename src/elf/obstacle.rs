//! What keeps a preloaded library out of a program, or keeps it from working there.

/// A reason why a program runs without the library, or makes calls that it does not see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// No dynamic linker starts it, so nothing reads `LD_PRELOAD`.
    Static,
    /// Go's own runtime makes system calls without libc.
    Go,
    /// Set-user-id or set-group-id, or different real and effective ids: the dynamic linker is in secure mode.
    SetId,
    /// ExecFile capabilities: the dynamic linker is in secure mode.
    Capabilities,
    /// The dynamic linker of another libc.
    OtherLibc,
    /// Another machine, or another size of its words.
    OtherArchitecture,
    /// AddressSanitizer's shared runtime, which ends the program unless it is the first library.
    AddressSanitizer,
    /// ThreadSanitizer's runtime, beside which the library cannot log.
    ThreadSanitizer,
}

/// One obstacle's names.
pub struct ObstacleRow {
    /// The obstacle.
    pub obstacle: Obstacle,
    /// The stable code of the command. The log's reason is the same with `exec-` in front.
    pub code: &'static str,
    /// The command's exit code.
    pub exit: u8,
}

/// Every obstacle. The exit codes are a contract: new ones are added, none changes. 16 is used for `not-a-program`.
pub const OBSTACLES: [ObstacleRow; 8] = [
    ObstacleRow { obstacle: Obstacle::Static, code: "static", exit: 10 },
    ObstacleRow { obstacle: Obstacle::Go, code: "go", exit: 11 },
    ObstacleRow { obstacle: Obstacle::SetId, code: "setuid", exit: 12 },
    ObstacleRow { obstacle: Obstacle::Capabilities, code: "caps", exit: 13 },
    ObstacleRow { obstacle: Obstacle::OtherLibc, code: "other-libc", exit: 14 },
    ObstacleRow { obstacle: Obstacle::OtherArchitecture, code: "other-arch", exit: 15 },
    ObstacleRow { obstacle: Obstacle::AddressSanitizer, code: "asan", exit: 17 },
    ObstacleRow { obstacle: Obstacle::ThreadSanitizer, code: "tsan", exit: 18 },
];

impl Obstacle {
    /// Its row.
    pub fn row(self) -> &'static ObstacleRow {
        // The table is in the order of the declaration, which a test checks.
        &OBSTACLES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_obstacle_has_its_row() {
        for row in &OBSTACLES {
            assert_eq!(row.obstacle.row().code, row.code);
        }
        let mut exits: Vec<u8> = OBSTACLES.iter().map(|row| row.exit).collect();
        exits.dedup();
        assert_eq!((exits.len(), exits.is_sorted()), (OBSTACLES.len(), true));
    }
}
