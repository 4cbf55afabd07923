//! `INTERFACE[,FILTER…]`, as candump(1) has it.
//!
//! | filter | lets through |
//! |---|---|
//! | `ID:MASK` | frames with `id & MASK == ID & MASK` |
//! | `ID~MASK` | all others |
//! | `#MASK` | messages about errors of these classes |
//! | `j` | nothing by itself: all of the filters must match |

use super::socket::Filters;
use sockshim_can_proto::frame::{CAN_EFF_FLAG, CAN_ERR_FLAG, CAN_INV_FILTER};

/// An interface, and what is received of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Wanted {
    /// The interface's name, or `any`.
    pub interface: String,
    /// Which frames.
    pub filters: Filters,
}

/// Reads an argument.
///
/// # Errors
/// The filter that cannot be understood.
pub fn parse(text: &str) -> Result<Wanted, String> {
    let mut words = text.split(',');
    let interface = words.next().unwrap_or_default().to_string();
    if interface.is_empty() {
        return Err("expected the name of an interface, or any".into());
    }
    let mut filters = Filters::default();
    for word in words {
        add(&mut filters, word).ok_or_else(|| {
            format!("'{word}' is no filter: expected ID:MASK, ID~MASK, #MASK or j, in hexadecimal digits")
        })?;
    }
    Ok(Wanted { interface, filters })
}

fn number(digits: &str) -> Option<u32> {
    let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

fn add(filters: &mut Filters, word: &str) -> Option<()> {
    if matches!(word, "j" | "J") {
        filters.joined = true;
        return Some(());
    }
    if let Some(mask) = word.strip_prefix('#') {
        filters.errors = number(mask)?;
        return Some(());
    }
    let (id, mask, inverted) = match word.split_once(':') {
        Some((id, mask)) => (id, mask, 0),
        None => {
            let (id, mask) = word.split_once('~')?;
            (id, mask, CAN_INV_FILTER)
        }
    };
    let mut filter = [number(id)?, number(mask)? & !CAN_ERR_FLAG];
    // Eight digits are an identifier of 29 bits, however many of them it needs.
    if id.len() == 8 {
        filter[0] |= CAN_EFF_FLAG;
    }
    filter[0] |= inverted;
    filters.filters.push(filter);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_candump_has_them() {
        let wanted = |text: &str| parse(text).expect(text);
        assert_eq!(wanted("any"), Wanted { interface: "any".into(), filters: Filters::default() });
        let Wanted { interface, filters } = wanted("vcan0,123:7FF,12345678~1fffffff,#4,j,92345678:DFFFFF00");
        assert_eq!(interface, "vcan0");
        let expected = [[0x123, 0x7ff], [0xb234_5678, 0x1fff_ffff], [0x9234_5678, 0xdfff_ff00]];
        assert_eq!(filters, Filters { filters: expected.into(), joined: true, errors: 4 });
    }

    #[test]
    fn what_is_none() {
        for text in
            ["", ",1:2", "vcan0,", "vcan0,1", "vcan0,1:g", "vcan0,#", "vcan0,+1:2", "vcan0,123456789:1"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
