//! Diagnostics as JSON: in the line stream, and all together as `validate -json` 1.0.

use serde_json::{Map, Value as Json, json};

use crate::model::{Diagnostic, Diagnostics, Severity, SourceFile, SourceMap, Span};

/// The one object that `validate -json` gives.
pub fn validate_json(diagnostics: &Diagnostics, sources: &SourceMap) -> Json {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    json!({
        "format_version": "1.0",
        "valid": !diagnostics.has_errors(),
        "error_count": count(Severity::Error),
        "warning_count": count(Severity::Warning),
        "diagnostics": diagnostics.iter().map(|d| diagnostic_json(d, sources)).collect::<Json>(),
    })
}

/// One diagnostic with its place and the lines there. The next steps stand at the end of the detail, because
/// the format has no place for them.
pub fn diagnostic_json(diagnostic: &Diagnostic, sources: &SourceMap) -> Json {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let mut entry = Map::new();
    entry.insert("severity".into(), severity.into());
    entry.insert("summary".into(), diagnostic.summary.as_str().into());
    entry.insert("detail".into(), detail(diagnostic).into());
    if let Some(address) = &diagnostic.address {
        entry.insert("address".into(), address.to_string().into());
    }
    if let Some((span, file)) = diagnostic.span.and_then(|s| Some((s, sources.get(s.source)?))) {
        entry.insert("range".into(), range(file, span));
        entry.insert("snippet".into(), snippet(file, span));
    }
    Json::Object(entry)
}

fn detail(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.label.iter().map(String::as_str);
    let help = diagnostic.help.iter().map(String::as_str);
    let parts: Vec<&str> = label.chain(diagnostic.detail.as_deref()).chain(help).collect();
    parts.join("\n\n")
}

fn range(file: &SourceFile, span: Span) -> Json {
    let position = |offset| {
        let at = file.position(offset);
        json!({"line": at.line, "column": at.column, "byte": at.byte})
    };
    json!({"filename": &*file.name, "start": position(span.start), "end": position(span.end)})
}

/// The whole lines that the span touches; offsets are bytes in them.
fn snippet(file: &SourceFile, span: Span) -> Json {
    let first = file.position(span.start);
    let last = file.position(span.end.saturating_sub(1).max(span.start));
    let lines: Vec<&str> = (first.line..=last.line).map(|n| file.line(n)).collect();
    let code = lines.join("\n");
    let line_start = file.text[..first.byte].rfind('\n').map_or(0, |i| i + 1);
    let start = first.byte.saturating_sub(line_start).min(code.len());
    let end = file.position(span.end).byte.saturating_sub(line_start).clamp(start, code.len());
    json!({
        "context": context(file, first.line),
        "code": code,
        "start_line": first.line,
        "highlight_start_offset": start,
        "highlight_end_offset": end,
        "values": [],
    })
}

/// The header of the outermost block around the line: the nearest line above that is not indented and opens one.
fn context(file: &SourceFile, line: usize) -> Option<String> {
    let text = |n: usize| file.line(n);
    let header =
        (1..=line).rev().map(text).find(|l| l.starts_with(|c: char| c.is_alphabetic()) || l.starts_with('}'))?;
    let words = header.split('{').next()?.trim_end();
    (header.contains('{') && !words.contains('=') && !header.starts_with('}')).then(|| words.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_bytes_and_columns_are_characters() {
        let mut sources = SourceMap::default();
        let text = "resource \"terraform_data\" \"bad\" {\n\tinputt = \"ä${x}\" + 1\n}\n";
        let id = sources.add("main.tf", text);
        let at = text.find("+ 1").unwrap();
        let diagnostic = Diagnostic::error("odd").at(Span::new(id, at, at + 1)).label("here").help("do that");
        let json = validate_json(&diagnostic.into(), &sources);
        assert_eq!(json["valid"], false);
        let found = &json["diagnostics"][0];
        assert_eq!(found["detail"], "here\n\ndo that");
        assert_eq!(found["range"]["start"], json!({"line": 2, "column": 19, "byte": at}));
        let expected = json!({
            "context": "resource \"terraform_data\" \"bad\"", "code": "\tinputt = \"ä${x}\" + 1", "start_line": 2,
            "highlight_start_offset": 19, "highlight_end_offset": 20, "values": [],
        });
        assert_eq!(found["snippet"], expected);
    }
}
