//! Reads the text in which faults are ordered. The grammar is told in the room's documentation.

use std::time::Duration;

use super::{Fault, Faults, Op, Pause, Rule, Target, When};
use crate::model::Diagnostic;

const FAULTS: &[(&str, Fault)] = &[
    ("throttle", Fault::Throttle),
    ("500", Fault::Service),
    ("denied", Fault::Denied),
    ("network", Fault::Network),
    ("timeout", Fault::Timeout),
    ("partial", Fault::Partial),
    ("lost", Fault::Lost),
    ("hang", Fault::Hang),
    ("crash-before", Fault::CrashBefore),
    ("crash-after", Fault::CrashAfter),
];

pub(super) const OPS: &[(&str, Op)] = &[
    ("create", Op::Create),
    ("read", Op::Read),
    ("update", Op::Update),
    ("delete", Op::Delete),
    ("list", Op::List),
    ("find", Op::Find),
    ("data", Op::Data),
];

/// Reads all clauses; the first one that makes no sense is the error.
pub fn parse(text: &str) -> Result<Faults, Diagnostic> {
    let mut faults = Faults::default();
    for clause in text.split([';', '\n']).map(str::trim).filter(|c| !c.is_empty()) {
        read_clause(clause, &mut faults).map_err(|d| d.detail(format!("in the clause \"{clause}\"")))?;
    }
    Ok(faults)
}

fn read_clause(clause: &str, faults: &mut Faults) -> Result<(), Diagnostic> {
    let Some((left, right)) = clause.split_once('=') else {
        let told = Diagnostic::error(format!("\"{clause}\" orders no fault: a \"=\" is missing"));
        return Err(told.help("write a target and a fault, such as aws_vpc:create=throttle@10%"));
    };
    let (left, right) = (left.trim(), right.trim());
    match left.split_once(char::is_whitespace).map_or((left, ""), |(word, rest)| (word, rest.trim())) {
        ("seed", "") => faults.seed = number(right)?,
        ("latency", target) => faults.latency.push((read_target(target)?, read_pause(right)?)),
        ("quota", "") if right == "defaults" => faults.quotas.defaults = true,
        ("quota", "") => {
            let told = Diagnostic::error(format!("\"{right}\" is no quota")).did_you_mean(right, ["defaults"]);
            return Err(told.help("write quota=defaults, or a type and a number: quota aws_vpc=5"));
        }
        ("quota", ty) => faults.quotas.set.push((ty.to_string(), number(right)?)),
        (word, "") => faults.rules.push(read_rule(word, right)?),
        (word, _) => {
            let told = Diagnostic::error(format!("\"{word}\" begins no clause"));
            return Err(told.did_you_mean(word, ["seed", "latency", "quota"]));
        }
    }
    Ok(())
}

fn read_rule(target: &str, right: &str) -> Result<Rule, Diagnostic> {
    let (fault, when) = right.split_once('@').unwrap_or((right, ""));
    let fault = word(fault.trim(), FAULTS, "a fault")?;
    Ok(Rule { target: read_target(target)?, fault, when: read_when(when.trim())? })
}

/// `TYPE`, `TYPE:OP` or `TYPE:OP|OP`; nothing means everything.
fn read_target(text: &str) -> Result<Target, Diagnostic> {
    let (ty, ops) = text.split_once(':').unwrap_or((text, "*"));
    let ty = if ty.is_empty() { "*" } else { ty };
    let ops = match ops.trim() {
        "*" => OPS.iter().map(|(_, op)| *op).collect(),
        ops => ops.split('|').map(|op| word(op.trim(), OPS, "an operation")).collect::<Result<_, _>>()?,
    };
    Ok(Target { ty: ty.trim().to_string(), ops })
}

fn read_when(text: &str) -> Result<When, Diagnostic> {
    if text.is_empty() {
        return Ok(When::Always);
    }
    if let Some(percent) = text.strip_suffix('%') {
        let share = percent.trim().parse::<f64>().ok().filter(|p| (0.0..=100.0).contains(p));
        let wrong = || Diagnostic::error(format!("\"{text}\" is no probability")).help("write it like 10% or 0.5%");
        return share.map(|p| When::Share(p / 100.0)).ok_or_else(wrong);
    }
    let (kind, n) = text.split_once(':').unwrap_or((text, ""));
    let kinds = [("first", When::First(0)), ("nth", When::Nth(0)), ("every", When::Every(0))];
    let kind = word(kind, &kinds, "a time at which a fault comes")?;
    match (number(n)?, kind) {
        (0, _) => Err(Diagnostic::error(format!("\"{text}\" never comes")).help("count from 1")),
        (n, When::First(_)) => Ok(When::First(n)),
        (n, When::Nth(_)) => Ok(When::Nth(n)),
        (n, _) => Ok(When::Every(n)),
    }
}

/// `200ms`, `1.5s` or a range, `200ms..2s`.
fn read_pause(text: &str) -> Result<Pause, Diagnostic> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (duration(from.trim())?, duration(to.trim())?);
    if to < from {
        return Err(Diagnostic::error(format!("the range \"{text}\" ends before it starts")));
    }
    Ok(Pause { from, to })
}

fn duration(text: &str) -> Result<Duration, Diagnostic> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(unit_at);
    let scale = match unit {
        "ms" => Some(0.001),
        "s" => Some(1.0),
        "m" => Some(60.0),
        _ => None,
    };
    let seconds = digits.parse::<f64>().ok().zip(scale).map(|(n, scale)| n * scale);
    let wrong = || Diagnostic::error(format!("\"{text}\" is no duration")).help("write it like 200ms, 1.5s or 2m");
    seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).ok_or_else(wrong)
}

fn number(text: &str) -> Result<u64, Diagnostic> {
    text.trim().parse().map_err(|_| Diagnostic::error(format!("\"{text}\" is no whole number")))
}

fn word<T: Copy>(written: &str, known: &[(&str, T)], what: &str) -> Result<T, Diagnostic> {
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == written) {
        return Ok(*found);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let told = Diagnostic::error(format!("\"{written}\" is not {what}")).did_you_mean(written, names.iter().copied());
    Err(told.help(format!("known are: {}", names.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_of_every_kind_are_read() {
        let text = "seed=7; aws_vpc:create=throttle@10%; *:delete|update=500@first:2\naws_eks_*=crash-after@nth:3;
                    latency=5ms; latency *:create=200ms..2s; quota=defaults; quota aws_vpc=9";
        let faults = parse(text).unwrap();
        assert_eq!((faults.seed, faults.rules.len(), faults.latency.len()), (7, 3, 2));
        assert_eq!(faults.rules[0].when, When::Share(0.1));
        assert_eq!(faults.rules[1].target.ops, vec![Op::Delete, Op::Update]);
        assert_eq!(faults.rules[2].target.ops.len(), OPS.len());
        assert_eq!(faults.latency[1].1.to, Duration::from_secs(2));
        assert!(faults.quotas.defaults && faults.quotas.set == [("aws_vpc".to_string(), 9)]);
        assert_eq!(parse(" ; ").unwrap().rules.len(), 0);
    }

    #[test]
    fn what_makes_no_sense_is_told_with_the_next_step() {
        let told = |text: &str| {
            let d = parse(text).unwrap_err();
            format!("{} ({})", d.summary, d.help.first().cloned().unwrap_or_default())
        };
        assert_eq!(told("aws_vpc:create=trottle"), "\"trottle\" is not a fault (did you mean \"throttle\"?)");
        assert_eq!(told("aws_vpc:creat=500"), "\"creat\" is not an operation (did you mean \"create\"?)");
        assert_eq!(told("*=500@frist:1"), "\"frist\" is not a time at which a fault comes (did you mean \"first\"?)");
        assert_eq!(told("latncy *=1s"), "\"latncy\" begins no clause (did you mean \"latency\"?)");
        assert_eq!(told("*=500@120%"), "\"120%\" is no probability (write it like 10% or 0.5%)");
        assert_eq!(told("latency=2s..1s"), "the range \"2s..1s\" ends before it starts ()");
        assert!(told("aws_vpc").contains("\"=\" is missing") && told("*=500@nth:0").contains("never comes"));
    }
}
