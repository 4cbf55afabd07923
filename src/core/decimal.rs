//! Numbers in decimal, from bytes. The standard library's reader wants UTF-8, and both together are a kilobyte of the library at
//! each place.

/// The number that `text` is, with `-` before it if it is negative.
#[inline(never)]
pub fn number(text: &[u8]) -> Option<i32> {
    let (digits, sign) = text.strip_prefix(b"-").map_or((text, 1), |digits| (digits, -1));
    let mut all = 0_i32;
    for byte in digits {
        let digit = char::from(*byte).to_digit(10)? as i32;
        all = all.checked_mul(10)?.checked_add(sign * digit)?;
    }
    (!digits.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn all_of_them_and_nothing_else() {
        let cases: [(&str, Option<i32>); 10] = [
            ("0", Some(0)),
            ("96", Some(96)),
            ("-1", Some(-1)),
            ("2147483647", Some(i32::MAX)),
            ("-2147483648", Some(i32::MIN)),
            ("2147483648", None),
            ("", None),
            ("-", None),
            ("1 ", None),
            ("+1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }
}
