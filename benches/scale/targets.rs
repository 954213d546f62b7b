//! What is aimed at, and whether it is reached.

use super::Phase;
use super::measure::Usage;
use super::stacks::Shape;
use super::table::{Row, Table};

/// A target: what it is about, what was measured, and whether that is enough. Nothing where it was not measured.
pub struct Judged {
    pub what: String,
    pub aim: String,
    pub measured: Option<String>,
    pub met: Option<bool>,
}

/// Milliseconds of CPU.
const STARTUP: f64 = 10.0;
/// Cost per instance at the largest size over that at the smallest.
const GROWTH: f64 = 1.5;
/// How many times faster than Terraform, and in how many times less memory.
const BESIDE: [(Shape, usize, Phase, f64, f64); 3] = [
    (Shape::Layers, 10_000, Phase::Plan, 300.0, 10.0),
    (Shape::Layers, 10_000, Phase::NoOp, 300.0, 10.0),
    (Shape::Layers, 1_000, Phase::Apply, 50.0, 1.0),
];

pub fn judge(table: &Table) -> Vec<Judged> {
    let started = table.startup.cpu.as_secs_f64() * 1000.0;
    let mut judged = vec![Judged {
        what: "`terrane version`, CPU".into(),
        aim: format!("< {STARTUP} ms"),
        measured: Some(format!("{started:.1} ms")),
        met: Some(started < STARTUP),
    }];
    for (shape, size, phase, faster, smaller) in BESIDE {
        let row = table.rows.iter().find(|row| (row.shape, row.size, row.phase) == (shape, size, phase));
        let ratios = row.and_then(Row::ratios);
        judged.push(Judged {
            what: format!("{} {size}, {}, beside Terraform", shape.name(), phase.name()),
            aim: format!("{faster}x faster, {smaller}x smaller"),
            measured: ratios.map(|(time, memory)| format!("{time:.0}x faster, {memory:.1}x smaller")),
            met: ratios.map(|(time, memory)| time >= faster && memory >= smaller),
        });
    }
    judged.extend(growth(&table.rows));
    judged
}

/// Whether cost grows with the number of instances alone.
fn growth(rows: &[Row]) -> Vec<Judged> {
    let sizes = rows.iter().map(|row| row.size);
    let (Some(smallest), Some(largest)) = (sizes.clone().min(), sizes.max()) else { return Vec::new() };
    if smallest == largest {
        return Vec::new();
    }
    let factor = largest as f64 / smallest as f64;
    let mut judged = Vec::new();
    for few in rows.iter().filter(|row| row.size == smallest) {
        let of_kind = |row: &&Row| row.size == largest && row.shape == few.shape && row.phase == few.phase;
        let many = rows.iter().find(of_kind).and_then(|row| row.ours.as_ref().ok());
        let usages: Option<(&Usage, &Usage)> = few.ours.as_ref().ok().zip(many);
        let growths = usages.map(|(few, many)| {
            let time = many.cpu.as_secs_f64() / few.cpu.as_secs_f64() / factor;
            (time, many.memory as f64 / few.memory as f64 / factor)
        });
        judged.push(Judged {
            what: format!("{}, {}: cost per instance, {largest} over {smallest}", few.shape.name(), few.phase.name()),
            aim: format!("CPU and memory <= {GROWTH}"),
            measured: growths.map(|(time, memory)| format!("CPU {time:.2}, memory {memory:.2}")),
            met: growths.map(|(time, memory)| time <= GROWTH && memory <= GROWTH),
        });
    }
    judged
}

/// A table of the targets, as Markdown.
pub fn text(judged: &[Judged]) -> String {
    let mut text = String::from("| target | aim | measured | |\n|---|---|---|---|\n");
    for Judged { what, aim, measured, met } in judged {
        let verdict = match met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "not measured",
        };
        text.push_str(&format!("| {what} | {aim} | {} | {verdict} |\n", measured.as_deref().unwrap_or("-")));
    }
    text
}
