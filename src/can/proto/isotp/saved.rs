//! The options as they are read: by the program, and by whoever keeps or passes on a socket.

use libc::{EINVAL, ENOPROTOOPT};

use super::options::*;
use crate::Errno;

/// How many words [`Options::save`] makes.
pub const OPTION_WORDS: usize = 9;

impl Options {
    /// `getsockopt(fd, SOL_CAN_ISOTP, name, …)` into a buffer of `len` bytes: what is written, whose length goes to optlen.
    ///
    /// # Errors
    /// EINVAL for a negative length, ENOPROTOOPT for an unknown name. A short buffer gets the beginning.
    pub fn get(&self, name: i32, len: i32) -> Result<Vec<u8>, Errno> {
        self.value(name, len).map(|(value, len)| value[..len].to_vec())
    }

    /// The same without an allocation: a buffer, and how much of it is the value.
    ///
    /// # Errors
    /// Those of [`Options::get`].
    pub fn value(&self, name: i32, len: i32) -> Result<([u8; 12], usize), Errno> {
        let room = usize::try_from(len).map_err(|_| EINVAL)?;
        let mut value = [0; 12];
        let mut put = |bytes: &[u8]| {
            value[..bytes.len()].copy_from_slice(bytes);
            bytes.len()
        };
        let len = match name {
            CAN_ISOTP_OPTS => put(&self.opt.bytes()),
            CAN_ISOTP_RECV_FC => put(&[self.rxfc.bs, self.rxfc.stmin, self.rxfc.wftmax]),
            CAN_ISOTP_TX_STMIN => put(&self.force_tx_stmin.to_ne_bytes()),
            CAN_ISOTP_RX_STMIN => put(&self.force_rx_stmin.to_ne_bytes()),
            CAN_ISOTP_LL_OPTS => put(&[self.ll.mtu, self.ll.tx_dl, self.ll.tx_flags]),
            _ => return Err(ENOPROTOOPT),
        };
        Ok((value, len.min(room)))
    }

    /// All of them as words.
    pub fn save(&self) -> [u32; OPTION_WORDS] {
        let opt = self.opt.bytes();
        let word = |at: usize| u32::from_ne_bytes([opt[at], opt[at + 1], opt[at + 2], opt[at + 3]]);
        [
            word(0),
            word(4),
            word(8),
            u32::from_ne_bytes([self.rxfc.bs, self.rxfc.stmin, self.rxfc.wftmax, 0]),
            u32::from_ne_bytes([self.ll.mtu, self.ll.tx_dl, self.ll.tx_flags, 0]),
            self.force_tx_stmin,
            self.force_rx_stmin,
            self.frame_txtime,
            self.max_pdu_size as u32,
        ]
    }

    /// The options that were saved.
    pub fn load(words: &[u32; OPTION_WORDS]) -> Options {
        let mut opt = [0; 12];
        for (bytes, word) in opt.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        let [bs, stmin, wftmax, _] = words[3].to_ne_bytes();
        let [mtu, tx_dl, tx_flags, _] = words[4].to_ne_bytes();
        Options {
            opt: IsotpOptions::of_bytes(&opt),
            rxfc: FcOptions { bs, stmin, wftmax },
            ll: LlOptions { mtu, tx_dl, tx_flags },
            force_tx_stmin: words[5],
            force_rx_stmin: words[6],
            frame_txtime: words[7],
            max_pdu_size: words[8] as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_what_their_words_are() {
        let mut options = Options::default().with_max_pdu_size(66_000);
        assert_eq!(Options::load(&options.save()), options);
        let opt = IsotpOptions { flags: 7, frame_txtime: u32::MAX, ext_address: 1, ..*options.opt() };
        options.set(false, CAN_ISOTP_OPTS, &opt.bytes()).unwrap();
        options.set(false, CAN_ISOTP_RECV_FC, &[1, 2, 3]).unwrap();
        options.set(false, CAN_ISOTP_LL_OPTS, &[72, 64, 1]).unwrap();
        options.set(false, CAN_ISOTP_TX_STMIN, &[1, 2, 3, 4]).unwrap();
        options.set(false, CAN_ISOTP_RX_STMIN, &[5, 6, 7, 8]).unwrap();
        assert_eq!(Options::load(&options.save()), options);
    }
}
