//! Reads the integers of a DER sequence (ITU-T X.690 sections 8 and 10): the form in which AWS-LC exports an
//! RSA key.

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;

/// The rest of some DER.
pub(super) struct DerReader<'a>(&'a [u8]);

impl<'a> DerReader<'a> {
    pub(super) fn new(der: &'a [u8]) -> Self {
        Self(der)
    }

    /// Returns the contents of the sequence that comes next.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.contents(SEQUENCE).map(Self)
    }

    /// Returns the big-endian bytes of the integer that comes next.
    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        self.contents(INTEGER)
    }

    fn contents(&mut self, expected_tag: u8) -> Option<&'a [u8]> {
        let (tag, rest) = self.0.split_first()?;
        let (length, rest) = length(rest)?;
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        (*tag == expected_tag).then_some(contents)
    }
}

/// Returns a length of at most 65,535 bytes, and what follows it.
fn length(der: &[u8]) -> Option<(usize, &[u8])> {
    match der {
        [short @ 0..=0x7f, rest @ ..] => Some((usize::from(*short), rest)),
        [0x81, length, rest @ ..] => Some((usize::from(*length), rest)),
        [0x82, high, low, rest @ ..] => {
            Some((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_form_of_length_are_read_in_order() {
        let long = [0x5a; 300];
        let medium = [0x5b; 200];
        let der = [
            &[0x30, 0x82, 0x01, 0xfe][..],
            &[0x02, 0x01, 0x07],
            &[0x02, 0x81, 200],
            &medium,
            &[0x02, 0x82, 0x01, 0x2c],
            &long,
        ]
        .concat();
        let mut integers = DerReader::new(&der).sequence().unwrap();
        assert_eq!(integers.integer(), Some(&[7][..]));
        assert_eq!(integers.integer(), Some(&medium[..]));
        assert_eq!(integers.integer(), Some(&long[..]));
        assert_eq!(integers.integer(), None);
    }

    #[test]
    fn anything_else_is_not_read() {
        for der in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 0x02],
            &[0x30, 0x80, 0x00],
            &[0x30, 0x83, 0x00, 0x00, 0x00],
            &[0x31, 0x00],
        ] {
            assert!(DerReader::new(der).sequence().is_none(), "{der:?}");
        }
    }
}
