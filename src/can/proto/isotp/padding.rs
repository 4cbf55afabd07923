//! What is behind the data of frames: `check_pad` of `net/can/isotp.c`.

use super::options::{CAN_ISOTP_CHK_PAD_DATA, CAN_ISOTP_CHK_PAD_LEN, CAN_ISOTP_RX_PADDING, Options, padlen};
use crate::frame::CAN_MAX_DLEN;

/// Whether a received frame's padding, which begins at `start` in its data, is as the options want it.
///
/// Asked only if one of the checks is switched on. Without padding there is nothing to compare bytes with, so the kernel
/// refuses every frame then, unless the length is checked, too.
pub(super) fn padding_fits(options: &Options, data: &[u8], start: usize) -> bool {
    let len = data.len() as u8;
    if !options.has(CAN_ISOTP_RX_PADDING) {
        let shortest = if data.len() <= CAN_MAX_DLEN { start } else { padlen(start.min(255) as u8).into() };
        return options.has(CAN_ISOTP_CHK_PAD_LEN) && data.len() == shortest;
    }
    let expected = options.opt().rxpad_content;
    let length = !options.has(CAN_ISOTP_CHK_PAD_LEN) || len == padlen(len);
    let content =
        !options.has(CAN_ISOTP_CHK_PAD_DATA) || data.iter().skip(start).all(|byte| *byte == expected);
    length && content
}

#[cfg(test)]
mod tests {
    use super::super::options::{CAN_ISOTP_OPTS, IsotpOptions};
    use super::*;

    #[test]
    fn the_checks_are_the_kernels() {
        let (pad, len, content) = (CAN_ISOTP_RX_PADDING, CAN_ISOTP_CHK_PAD_LEN, CAN_ISOTP_CHK_PAD_DATA);
        let cases: [(u32, &[u8], usize, bool); 12] = [
            (content, &[1, 2, 3], 3, false),
            (len, &[1, 2, 3], 3, true),
            (len | content, &[1, 2, 3], 3, true),
            (len, &[1, 2, 3], 2, false),
            (len, &[0; 12], 9, true),
            (len, &[0; 16], 9, false),
            (pad | len, &[1, 2, 3], 3, false),
            (pad | len, &[0; 8], 3, true),
            (pad | content, &[1, 2, 3, 0xcc], 3, true),
            (pad | content, &[1, 2, 3, 0xcb], 3, false),
            (pad | content, &[1, 2, 3], 3, true),
            (pad | len | content, &[1, 2, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc], 2, true),
        ];
        for (flags, data, start, fits) in cases {
            let mut options = Options::default();
            let opt = IsotpOptions { flags, ..*options.opt() };
            options.set(false, CAN_ISOTP_OPTS, &opt.bytes()).unwrap();
            assert_eq!(padding_fits(&options, data, start), fits, "{flags:#x} {data:?} {start}");
        }
    }
}
