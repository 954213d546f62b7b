//! Addresses and prefixes in CIDR notation, IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Call, CallError, Function, Kind, param, plain};
use crate::model::{Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain(
        "cidrcontains",
        "Whether an address or a whole prefix lies in a prefix.",
        &[
            param("containing_prefix", Kind::String, "The prefix, such as 10.0.0.0/8."),
            param("contained_ip_or_prefix", Kind::String, "An address or a prefix."),
        ],
        Kind::Bool,
        cidrcontains,
    ),
    plain(
        "cidrhost",
        "The address of a host in a prefix.",
        &[
            param("prefix", Kind::String, "The prefix, such as 10.0.0.0/8."),
            param("hostnum", Kind::Number, "The number of the host; negative counts from the end."),
        ],
        Kind::String,
        cidrhost,
    ),
    plain(
        "cidrnetmask",
        "The netmask of an IPv4 prefix, such as 255.255.0.0.",
        &[param("prefix", Kind::String, "The prefix.")],
        Kind::String,
        cidrnetmask,
    ),
    plain(
        "cidrsubnet",
        "A subnet of a prefix.",
        &[
            param("prefix", Kind::String, "The prefix, such as 10.0.0.0/8."),
            param("newbits", Kind::Number, "By how many bits to extend the prefix."),
            param("netnum", Kind::Number, "The number of the subnet, which has to fit these bits."),
        ],
        Kind::String,
        cidrsubnet,
    ),
    plain(
        "cidrsubnets",
        "Subnets of a prefix, one behind the other.",
        &[param("prefix", Kind::String, "The prefix, such as 10.0.0.0/8.")],
        Kind::StringList,
        cidrsubnets,
    )
    .with_variadic(param(
        "newbits",
        Kind::Number,
        "By how many bits to extend the prefix, a number for each subnet.",
    )),
];

/// A prefix; bits of the host are cleared.
#[derive(Clone, Copy)]
struct Prefix {
    bits: u128,
    length: u32,
    /// 32 or 128.
    width: u32,
}

impl Prefix {
    fn parse(text: &str) -> Option<Prefix> {
        let (address, length) = text.split_once('/')?;
        let (bits, width) = parse_address(address)?;
        let digits = !length.is_empty() && length.len() <= 3 && length.bytes().all(|b| b.is_ascii_digit());
        let length = length.parse().ok().filter(|n| digits && *n <= width)?;
        Some(Prefix { bits, length, width }.masked())
    }

    fn masked(mut self) -> Prefix {
        let host = self.width - self.length;
        self.bits = if host >= 128 { 0 } else { self.bits >> host << host };
        self
    }

    /// How many addresses it has, less one.
    fn last(&self) -> u128 {
        let host = self.width - self.length;
        if host == 0 { 0 } else { u128::MAX >> (128 - host) }
    }

    fn contains(&self, other: &Prefix) -> bool {
        self.width == other.width && self.length <= other.length && other.bits & !self.last() == self.bits
    }

    fn text(&self) -> String {
        format!("{}/{}", address_text(self.bits, self.width), self.length)
    }
}

/// The bits of an address and how many it has. Leading zeros of IPv4 parts are decimal.
fn parse_address(text: &str) -> Option<(u128, u32)> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(|ip| (u128::from(ip), 128));
    }
    let parts: Vec<&str> = text.split('.').collect();
    let part = |p: &&str| {
        let digits = !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        p.parse::<u8>().ok().filter(|_| digits)
    };
    let octets: [u8; 4] = parts.iter().map(part).collect::<Option<Vec<u8>>>()?.try_into().ok()?;
    Some((u32::from(Ipv4Addr::from(octets)).into(), 32))
}

fn address_text(bits: u128, width: u32) -> String {
    match u32::try_from(bits) {
        Ok(v4) if width == 32 => IpAddr::from(Ipv4Addr::from(v4)).to_string(),
        _ => IpAddr::from(Ipv6Addr::from(bits)).to_string(),
    }
}

fn prefix_of(call: &Call<'_>) -> Result<Prefix, CallError> {
    let text = call.str(0)?;
    let wrong = || CallError::at(0, format!("\"{text}\" is no prefix such as 10.0.0.0/8 or fd00::/8"));
    Prefix::parse(text).ok_or_else(wrong)
}

/// A whole number that may have up to 128 bits.
fn wide(call: &Call<'_>, i: usize) -> Result<(bool, u128), CallError> {
    let n = call.number(i)?;
    let digits = n.to_radix(10).ok_or_else(|| CallError::at(i, "a whole number is required"))?;
    let magnitude = digits.trim_start_matches('-').parse();
    magnitude.map(|m| (n.is_negative(), m)).map_err(|_| CallError::at(i, "the number is too large"))
}

fn cidrcontains(call: &Call<'_>) -> Answer {
    let outer = prefix_of(call)?;
    let text = call.str(1)?;
    let host = || parse_address(text).map(|(bits, width)| Prefix { bits, length: width, width });
    let inner = Prefix::parse(text).or_else(host);
    let inner = inner.ok_or_else(|| CallError::at(1, format!("\"{text}\" is neither an address nor a prefix")))?;
    if inner.width != outer.width {
        return Err(CallError::at(1, "IPv4 and IPv6 do not mix"));
    }
    Ok(outer.contains(&inner).into())
}

fn cidrhost(call: &Call<'_>) -> Answer {
    let prefix = prefix_of(call)?;
    let (negative, number) = wide(call, 1)?;
    let fits = if negative { number.saturating_sub(1) <= prefix.last() } else { number <= prefix.last() };
    if !fits {
        let sign = if negative { "-" } else { "" };
        let message = format!("a prefix of {} bits has no host number {sign}{number}", prefix.length);
        return Err(CallError::at(1, message));
    }
    // From the end: -1 is the last address.
    let host = if negative { prefix.last() - (number - 1) } else { number };
    Ok(address_text(prefix.bits | host, prefix.width).into())
}

fn cidrnetmask(call: &Call<'_>) -> Answer {
    let prefix = prefix_of(call)?;
    if prefix.width != 32 {
        return Err(CallError::at(0, "only IPv4 prefixes have a netmask"));
    }
    let mask = Prefix { bits: u32::MAX.into(), length: prefix.length, width: 32 }.masked();
    Ok(address_text(mask.bits, 32).into())
}

fn cidrsubnet(call: &Call<'_>) -> Answer {
    let prefix = prefix_of(call)?;
    let newbits = call.int(1)?;
    let length = i64::from(prefix.length) + newbits.clamp(-200, 200);
    let length = u32::try_from(length).ok().filter(|n| *n <= prefix.width);
    let no_room = || CallError::at(1, format!("a prefix of {} bits cannot be extended by {newbits}", prefix.length));
    let length = length.ok_or_else(no_room)?;
    let (negative, number) = wide(call, 2)?;
    let most = if newbits <= 0 { 0 } else { u128::MAX >> (128 - newbits.min(128)) };
    if negative || number > most {
        let message = format!("{newbits} bits do not hold a subnet number {}", call.number(2)?);
        return Err(CallError::at(2, message));
    }
    let shift = prefix.width - length;
    let moved = if shift >= 128 { 0 } else { number << shift };
    Ok(Prefix { bits: prefix.bits | moved, length, width: prefix.width }.masked().text().into())
}

fn cidrsubnets(call: &Call<'_>) -> Answer {
    let prefix = prefix_of(call)?;
    let mut next = Some(prefix.bits);
    let mut subnets = Vec::new();
    for i in 1..call.args.len() {
        let newbits = call.int(i)?;
        if newbits < 1 {
            return Err(CallError::at(i, "the prefix must be extended by at least one bit"));
        }
        if newbits > 32 {
            return Err(CallError::at(i, "the prefix may be extended by at most 32 bits"));
        }
        let length = prefix.length + u32::try_from(newbits).unwrap_or(0);
        if length > prefix.width {
            let message = format!("{length} bits are too long for an address of {} bits", prefix.width);
            return Err(CallError::at(i, message));
        }
        let full = || CallError::at(i, format!("no room is left for a subnet of {length} bits"));
        let size = Prefix { bits: 0, length, width: prefix.width }.last();
        // A subnet starts at a multiple of its size.
        let start = next.and_then(|n| n.checked_add(size)).map(|n| n & !size).ok_or_else(full)?;
        let subnet = Prefix { bits: start, length, width: prefix.width };
        if !prefix.contains(&subnet) {
            return Err(full());
        }
        subnets.push(subnet.text().into());
        next = start.checked_add(size).and_then(|n| n.checked_add(1));
    }
    Ok(Value::list(Type::String, subnets))
}
