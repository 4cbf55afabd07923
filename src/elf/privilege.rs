//! Secure mode: when the kernel tells a new program's dynamic linker (AT_SECURE) to distrust its environment.
//!
//! The rule is that of capabilities(7) and ld.so(8): ids that differ after the exec, or capabilities that came from the
//! file while the real user is not root.

use crate::obstacle::Obstacle;

/// The facts about a file's inode and mount that decide about secure mode.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct ExecFile {
    /// `st_mode`.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Whether it has file capabilities that a process would get.
    pub capabilities: bool,
    /// Whether its mount ignores all of this: `nosuid`.
    pub nosuid: bool,
}

/// The process that executes the file.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The real user.
    pub ruid: u32,
    /// The effective user.
    pub euid: u32,
    /// The real group.
    pub rgid: u32,
    /// The effective group.
    pub egid: u32,
    /// `PR_SET_NO_NEW_PRIVS`: the ids stay as they are.
    pub no_new_privs: bool,
}

const S_ISUID: u32 = 0o4000;
const S_ISGID: u32 = 0o2000;
/// Without this bit, the set-group-id bit means something else (mandatory locking).
const S_IXGRP: u32 = 0o0010;

/// Whether the mode asks for another user or group. If it does not, the mount's flags do not matter for the ids.
pub fn has_set_id(mode: u32) -> bool {
    mode & S_ISUID != 0 || mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP
}

/// Whether the program starts in secure mode, and why.
pub fn secure(file: &ExecFile, caller: &Caller) -> Option<Obstacle> {
    let ids_count = !file.nosuid && !caller.no_new_privs;
    let set_user = ids_count && file.mode & S_ISUID != 0;
    let set_group = ids_count && file.mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP;
    let euid = if set_user { file.uid } else { caller.euid };
    let egid = if set_group { file.gid } else { caller.egid };
    if euid != caller.euid || euid != caller.ruid || egid != caller.rgid {
        return Some(Obstacle::SetId);
    }
    // A real user that is root gets all capabilities anyway.
    (file.capabilities && !file.nosuid && caller.ruid != 0).then_some(Obstacle::Capabilities)
}

/// Whether the attribute `security.capability` gives a process anything: a permitted capability, or the flag that makes
/// them effective. Its layout is that of the kernel's `struct vfs_cap_data`.
pub fn grants(attribute: &[u8]) -> bool {
    const EFFECTIVE: u32 = 1;
    let word = |index: usize| {
        let bytes = attribute.get(4 * index..4 * index + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let Some(magic) = word(0) else { return false };
    // Permitted and inheritable alternate; revision 1 has one pair, 2 and 3 have two.
    let permitted = word(1).unwrap_or(0) | if magic >> 24 > 1 { word(3).unwrap_or(0) } else { 0 };
    magic & EFFECTIVE != 0 || permitted != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Caller = Caller { ruid: 1000, euid: 1000, rgid: 100, egid: 100, no_new_privs: false };
    const ROOT: Caller = Caller { ruid: 0, euid: 0, rgid: 0, egid: 0, no_new_privs: false };

    fn file(mode: u32, uid: u32, gid: u32) -> ExecFile {
        ExecFile { mode, uid, gid, ..ExecFile::default() }
    }

    #[test]
    fn set_id_counts_when_it_changes_an_id() {
        assert_eq!(secure(&file(0o4755, 0, 0), &USER), Some(Obstacle::SetId));
        assert_eq!(secure(&file(0o4755, 0, 0), &ROOT), None);
        assert_eq!(secure(&file(0o4755, 1000, 0), &USER), None);
        assert_eq!(secure(&file(0o4755, 1000, 0), &ROOT), Some(Obstacle::SetId));
        assert_eq!(secure(&file(0o2755, 0, 5), &USER), Some(Obstacle::SetId));
        assert_eq!(secure(&file(0o2745, 0, 5), &USER), None);
        assert_eq!(secure(&file(0o0755, 0, 0), &USER), None);
    }

    #[test]
    fn mounts_and_processes_can_forbid_it() {
        assert_eq!(secure(&ExecFile { nosuid: true, ..file(0o6755, 0, 0) }, &USER), None);
        assert_eq!(secure(&file(0o6755, 0, 0), &Caller { no_new_privs: true, ..USER }), None);
        assert_eq!(secure(&file(0o755, 0, 0), &Caller { euid: 0, ..USER }), Some(Obstacle::SetId));
    }

    #[test]
    fn capabilities_count_unless_the_user_is_root() {
        let capable = ExecFile { capabilities: true, ..file(0o755, 0, 0) };
        assert_eq!(secure(&capable, &USER), Some(Obstacle::Capabilities));
        assert_eq!(secure(&capable, &ROOT), None);
        assert_eq!(secure(&ExecFile { nosuid: true, ..capable }, &USER), None);
    }

    #[test]
    fn attributes_of_each_revision() {
        let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        assert!(grants(&words(&[0x0200_0001, 0, 0, 0, 0])));
        assert!(grants(&words(&[0x0200_0000, 1 << 10, 0, 0, 0])));
        assert!(grants(&words(&[0x0300_0000, 0, 0, 1, 0, 1000])));
        assert!(!grants(&words(&[0x0200_0000, 0, 1, 0, 1])));
        assert!(grants(&words(&[0x0100_0000, 1, 0])));
        for length in 0..4 {
            assert!(!grants(&[0xff; 4][..length]));
        }
    }
}
