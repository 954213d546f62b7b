//! Address ranges: a subnet's must lie in its network's and overlap no other.

use rusqlite::{Connection, OptionalExtension, params};

use super::cover::Covered;
use super::store::broken;
use crate::model::{Object, Path};
use crate::provider::{ErrorKind, ProviderError};

/// Objects of a type take a range out of that of their parent.
pub struct RangeRule {
    pub ty: &'static str,
    attribute: &'static str,
    pub parent_attribute: &'static str,
    parent_range: &'static str,
    /// The lengths that a prefix may have.
    lengths: (u8, u8),
}

/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
const RULES: &[RangeRule] = &[RangeRule {
    ty: "aws_subnet",
    attribute: "cidr_block",
    parent_attribute: "vpc_id",
    parent_range: "cidr_block",
    lengths: (16, 28),
}];

pub fn rule_of(ty: &str) -> Option<&'static RangeRule> {
    RULES.iter().find(|rule| rule.ty == ty)
}

/// First and last address of a range of IPv4 addresses.
fn bounds(text: &str) -> Option<(i64, i64, u8)> {
    let net: ipnet::Ipv4Net = text.parse().ok()?;
    (net.trunc() == net)
        .then(|| (i64::from(u32::from(net.network())), i64::from(u32::from(net.broadcast())), net.prefix_len()))
}

/// Takes the object's range, or says why it cannot have it; gives the name of one that has some of it already, as the
/// file has it. `parents` are the ranges that the parent has.
pub fn take(
    connection: &Connection,
    rule: &RangeRule,
    (scope, id): (&str, &str),
    covered: &Covered,
    object: &Object,
    parents: &[Object],
) -> Result<Option<String>, ProviderError> {
    let (Some(text), Some(parent)) = (object.str(rule.attribute), object.str(rule.parent_attribute)) else {
        return Ok(None);
    };
    let refuse = |code, message| refused(rule, code, message);
    let name = covered.name(parent);
    let Some((first, last, length)) = bounds(text) else {
        let told = refuse("InvalidParameterValue", format!("\"{text}\" is not the first address of a range"));
        return Err(told.help("write the first address and the length of the prefix, such as 10.0.1.0/24"));
    };
    let (shortest, longest) = rule.lengths;
    let inside = |range: &Object| {
        let whole = range.str(rule.parent_range).and_then(bounds);
        whole.is_some_and(|(from, to, _)| from <= first && last <= to)
    };
    if !(shortest..=longest).contains(&length) || !parents.iter().any(inside) {
        return Err(refuse(
            "InvalidSubnet.Range",
            format!("The CIDR '{text}' is invalid: it does not lie in \"{parent}\""),
        ));
    }
    // Ranges that stand do not overlap, so the nearest one that begins before our end decides.
    let nearest = connection
        .prepare_cached(
            "SELECT id FROM ranges WHERE type = ?1 AND scope = ?2 AND parent = ?3 AND first <= ?5 AND last >= ?4
             AND first = (SELECT MAX(first) FROM ranges WHERE type = ?1 AND scope = ?2 AND parent = ?3 AND first <= ?5)",
        )
        .and_then(|mut s| {
            s.query_row(params![rule.ty, scope, name, first, last], |row| row.get::<_, String>(0)).optional()
        })
        .map_err(|e| broken(&e))?;
    if nearest.is_some() {
        return Ok(nearest);
    }
    connection
        .prepare_cached("INSERT INTO ranges VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut s| s.execute(params![rule.ty, scope, name, first, last, covered.name(id)]))
        .map(|_| None)
        .map_err(|e| broken(&e))
}

/// Another object has some of the range.
pub fn conflict(rule: &RangeRule, object: &Object, other: &str) -> ProviderError {
    let text = object.str(rule.attribute).unwrap_or_default();
    let message = format!("The CIDR '{text}' conflicts with another subnet, \"{other}\"");
    refused(rule, "InvalidSubnet.Conflict", message)
}

fn refused(rule: &RangeRule, code: &str, message: String) -> ProviderError {
    ProviderError::new(ErrorKind::Invalid, message).code(code).path(Path::attr(rule.attribute))
}
