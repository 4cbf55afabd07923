//! Whether a seccomp filter is in force, read from the status below `/proc`.

use core::ffi::CStr;
use sockshim_sys as sys;

const STATUS: &CStr = c"/proc/thread-self/status";
const MODE: &[u8] = b"Seccomp:\t";

/// Whether a seccomp filter applies to the calling thread; `false` when that cannot be read.
pub fn is_filtered() -> bool {
    let Ok(fd) = sys::open(STATUS, libc::O_RDONLY | libc::O_CLOEXEC, 0) else { return false };
    let (mut search, mut piece) = (Search::new(), [0; 1024]);
    let mode = loop {
        match sys::read(fd, &mut piece) {
            Ok(len @ 1..) => {
                if let Some(mode) = search.look_at(&piece[..len]) {
                    break Some(mode);
                }
            }
            _ => break None,
        }
    };
    sys::close(fd);
    mode.is_some_and(|mode| mode != b'0')
}

/// The search for the line of [`MODE`]. The list of groups before it may be long, so the file is read in pieces.
struct Search {
    /// How many bytes of the line's beginning have matched so far, if the line may still be the right one.
    seen: Option<usize>,
}

impl Search {
    fn new() -> Search {
        Search { seen: Some(0) }
    }

    /// The mode, a digit, if it is in this piece.
    fn look_at(&mut self, piece: &[u8]) -> Option<u8> {
        for byte in piece {
            self.seen = match self.seen {
                Some(seen) if seen == MODE.len() => return Some(*byte),
                _ if *byte == b'\n' => Some(0),
                Some(seen) if MODE[seen] == *byte => Some(seen + 1),
                _ => None,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Search;

    #[test]
    fn the_line_is_found_however_the_file_is_cut() {
        let file = b"Name:\tSeccomp:\t1\nGroups:\t1 2 \nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t3\n";
        for length in 1..=file.len() {
            let mut search = Search::new();
            assert_eq!(file.chunks(length).find_map(|piece| search.look_at(piece)), Some(b'2'), "{length}");
        }
        assert_eq!(Search::new().look_at(b"Seccomp_filters:\t3\n"), None);
    }
}
