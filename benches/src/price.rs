//! What Lambda charges for warm responses: first-tier prices in us-east-1 in dollars
//! (<https://aws.amazon.com/lambda/pricing/>).

use std::time::Duration;

const MILLION_REQUESTS: f64 = 0.20;

/// Prices of a GB-second on each architecture.
pub(crate) const X86_64: f64 = 0.000_016_666_7;
pub(crate) const ARM64: f64 = 0.000_013_333_4;

/// Returns the price of a million responses that take as long as these do on average. Each is billed in whole
/// milliseconds.
pub(crate) fn per_million(
    responses: impl Iterator<Item = Duration>,
    megabytes: u32,
    gb_second: f64,
) -> f64 {
    let (mut billed, mut count) = (0.0, 0.0);
    for response in responses {
        billed += (response.as_secs_f64() * 1_000.0).ceil() / 1_000.0;
        count += 1.0;
    }
    let gigabytes = f64::from(megabytes) / 1_024.0;
    MILLION_REQUESTS + billed / count * gigabytes * gb_second * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_response_is_billed_in_whole_milliseconds() {
        let responses = [1_200, 2_900].map(Duration::from_micros);
        let price = per_million(responses.into_iter(), 512, X86_64);
        // 2 ms and 3 ms with half a gigabyte: 1,250 GB-seconds for a million.
        assert!((price - (0.20 + 1_250.0 * X86_64)).abs() < 1e-9, "{price}");
    }
}
