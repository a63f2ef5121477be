//! Where a request comes from, as far as it tells one caller from another.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// An IPv4 address, or the /64 of an IPv6 one: whoever has one address of a /64 has them all
/// (RFC 6177 section 2). The default is that of callers whose address is not known, who share it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceNetwork(Option<IpAddr>);

impl SourceNetwork {
    /// The network of an address as API Gateway tells it. Any other text is of no known network.
    #[must_use]
    pub fn parse(address: &str) -> Self {
        Self(address.parse().ok().map(network_of))
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl fmt::Display for SourceNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_64_share_a_network_and_ipv4_ones_do_not() {
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
            assert_eq!(SourceNetwork::parse(address).to_string(), network);
        }
    }
}
