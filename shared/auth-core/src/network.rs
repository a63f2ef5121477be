//! The network that a request comes from, by which attempts are counted.

use std::net::{IpAddr, Ipv6Addr};

/// An IPv4 address, or the /64 of an IPv6 address: a client with one address of a /64 has all of them
/// (RFC 6177 section 2). All callers with an unknown address share the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceNetwork(pub(crate) String);

impl SourceNetwork {
    /// Returns the network of an address as API Gateway reports it, or the default for any other text.
    #[must_use]
    pub fn parse(address: &str) -> Self {
        let Ok(address) = address.parse::<IpAddr>() else {
            return Self::default();
        };
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = u128::from(address) & (u128::MAX << 64);
                Ipv6Addr::from(prefix).to_string()
            }
            IpAddr::V4(address) => address.to_string(),
        })
    }

    /// Returns the wider network for logs: the /24 of an IPv4 address, the /48 of an IPv6 address.
    #[must_use]
    pub fn prefix(&self) -> String {
        match self.0.parse() {
            Ok(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Ok(IpAddr::V6(address)) => {
                let prefix = u128::from(address) & (u128::MAX << 80);
                format!("{}/48", Ipv6Addr::from(prefix))
            }
            Err(_) => self.0.clone(),
        }
    }
}

impl Default for SourceNetwork {
    fn default() -> Self {
        Self("unknown".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_show_the_24_of_an_ipv4_address_and_the_48_of_an_ipv6_address() {
        for (address, prefix) in [
            ("203.0.113.7", "203.0.113.0/24"),
            ("2001:db8:1:2::1", "2001:db8:1::/48"),
            ("", "unknown"),
        ] {
            assert_eq!(SourceNetwork::parse(address).prefix(), prefix);
        }
    }

    #[test]
    fn ipv6_addresses_share_the_network_of_their_64_and_ipv4_addresses_do_not() {
        for (address, network) in [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.8", "203.0.113.8"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2::1", "2001:db8:1:2::"),
            ("2001:0DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
            ("2001:db8:1:3::1", "2001:db8:1:3::"),
            ("", "unknown"),
            ("test-invoke-source-ip", "unknown"),
            ("203.0.113.7, 10.0.0.1", "unknown"),
        ] {
            assert_eq!(SourceNetwork::parse(address).0, network);
        }
    }
}
