//! An interface and what is wanted of it: `vcan0,123:7FF,400~7F0,#FF,j`, as candump takes it.

use sockshim_can_bus::spec::is_name;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_ERR_FLAG, CAN_INV_FILTER};
use sockshim_can_proto::raw::Filter;

/// All interfaces.
pub const ANY: &str = "any";

/// An interface, and which frames of it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its name, or [`ANY`].
    pub interface: String,
    /// Which frames of data; without any, all of them.
    pub filters: Vec<Filter>,
    /// The classes of errors; none unless said.
    pub errors: Option<u32>,
    /// Whether a frame must pass all filters, not one of them.
    pub join: bool,
}

/// What a word means.
///
/// # Errors
/// In words.
pub fn parse(text: &str) -> Result<Source, String> {
    let mut words = text.split(',');
    let interface = words.next().unwrap_or_default();
    if !is_name(interface) {
        return Err(format!("'{interface}' is not the name of an interface"));
    }
    let mut source =
        Source { interface: interface.to_owned(), filters: Vec::new(), errors: None, join: false };
    for word in words {
        if word.eq_ignore_ascii_case("j") {
            source.join = true;
        } else if let Some(mask) = word.strip_prefix('#') {
            source.errors = Some(hex(mask).ok_or_else(|| not_understood(word))?);
        } else {
            source.filters.push(filter(word).ok_or_else(|| not_understood(word))?);
        }
    }
    Ok(source)
}

fn not_understood(word: &str) -> String {
    format!("'{word}' is no filter: there are ID:MASK, ID~MASK, #ERRORMASK and j, all numbers hexadecimal")
}

/// `ID:MASK`, or `ID~MASK` for all others.
fn filter(word: &str) -> Option<Filter> {
    let inverts = word.contains('~');
    let (id, mask) = word.split_once(if inverts { '~' } else { ':' })?;
    let mut bits = hex(id)?;
    // As long as one of 29 bits is written.
    if id.len() == 8 {
        bits |= CAN_EFF_FLAG;
    }
    if inverts {
        bits |= CAN_INV_FILTER;
    }
    // A mask with this bit would be one of errors.
    Some(Filter { id: bits, mask: hex(mask)? & !CAN_ERR_FLAG })
}

fn hex(digits: &str) -> Option<u32> {
    let is_hex = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_candumps() {
        let source = parse("can0,123:7FF,12345678:DFFFFFFF,400~7f0,#000000FF,j").expect("a source");
        let filters: Vec<_> = source.filters.iter().map(|filter| (filter.id, filter.mask)).collect();
        let expected = [(0x123, 0x7ff), (0x9234_5678, 0xdfff_ffff), (0x2000_0400, 0x7f0)];
        assert_eq!(filters, expected);
        assert_eq!((source.interface.as_str(), source.errors, source.join), ("can0", Some(0xff), true));
        let plain = parse(ANY).expect("a source");
        assert_eq!((plain.filters.len(), plain.errors, plain.join), (0, None, false));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in
            ["", ",1:2", "can0,", "can0,1", "can0,x:1", "can0,1:", "can0,+1:1", "can0,123456789:1", "can0,#"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
