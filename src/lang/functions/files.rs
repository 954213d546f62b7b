//! Files and paths. Paths are Unix paths; relative ones start at the working directory of the host.

use base64::Engine as _;

use super::encoding::BASE64;
use super::{Call, CallError, Entry, Function, Kind, Param, param, plain};
use crate::model::set::set;
use crate::model::{Type, Value};

type Answer = Result<Value, CallError>;

pub static FUNCTIONS: &[Function] = &[
    plain("abspath", "The path from the root of the file system.", PATH, Kind::String, |call| {
        let path = call.str(0)?;
        Ok(match path.starts_with('/') {
            true => clean(path).into(),
            false => clean(&format!("{}/{path}", call.host.working_dir())).into(),
        })
    }),
    plain("basename", "The last part of a path.", PATH, Kind::String, |call| Ok(base(call.str(0)?).into())),
    plain("dirname", "The path without its last part.", PATH, Kind::String, |call| {
        let path = call.str(0)?;
        let end = path.rfind('/').map_or(0, |i| i + 1);
        Ok(clean(&path[..end]).into())
    }),
    plain("file", "The text of a file.", PATH, Kind::String, |call| {
        let path = call.str(0)?;
        let binary = || CallError::at(0, format!("\"{path}\" is no UTF-8 text; filebase64 reads any file"));
        Ok(String::from_utf8(content(call)?).map_err(|_| binary())?.into())
    }),
    plain("filebase64", "The content of a file in base 64.", PATH, Kind::String, |call| {
        Ok(BASE64.encode(content(call)?).into())
    }),
    plain("fileexists", "Whether there is a file at a path.", PATH, Kind::Bool, |call| {
        let path = call.str(0)?;
        match entry(call, path)? {
            Entry::File => Ok(true.into()),
            Entry::Missing => Ok(false.into()),
            Entry::Directory => Err(CallError::at(0, format!("\"{path}\" is a directory, not a file"))),
            Entry::Other => Err(CallError::at(0, format!("\"{path}\" is not a regular file"))),
        }
    }),
    plain(
        "fileset",
        "The files below a directory whose paths match a pattern.",
        &[
            param("path", Kind::String, "The directory."),
            param("pattern", Kind::String, "With *, **, ?, [a-z] and {a,b}; relative to the directory."),
        ],
        Kind::StringSet,
        |call| {
            let found = super::glob::find(call.host, call.str(0)?, call.str(1)?)
                .map_err(|e| CallError { argument: Some(1), message: e })?;
            Ok(set(Type::String, found.into_iter().map(Value::from).collect()))
        },
    ),
    plain("pathexpand", "The path with ~ at its start replaced by the home directory.", PATH, Kind::String, pathexpand),
];

const PATH: &[Param] = &[param("path", Kind::String, "The path.")];

fn entry(call: &Call<'_>, path: &str) -> Result<Entry, CallError> {
    let path = expanded(call, path);
    call.host.entry(&path).map_err(|e| CallError::at(0, format!("\"{path}\" cannot be read: {e}")))
}

/// The bytes of the file that the first argument names.
pub fn content(call: &Call<'_>) -> Result<Vec<u8>, CallError> {
    let path = call.str(0)?;
    match entry(call, path)? {
        Entry::Missing => Err(CallError::at(
            0,
            format!("no file \"{path}\"; a file that a resource writes is read through an attribute of that resource"),
        )),
        Entry::Directory => Err(CallError::at(0, format!("\"{path}\" is a directory, not a file"))),
        _ => {
            let read = call.host.read_file(&expanded(call, path));
            read.map_err(|e| CallError::at(0, format!("\"{path}\" cannot be read: {e}")))
        }
    }
}

/// The path with a leading `~` replaced, where the home directory is known.
fn expanded(call: &Call<'_>, path: &str) -> String {
    let rest = path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/'));
    match (rest, call.host.home_dir()) {
        (Some(rest), Some(home)) => format!("{home}{rest}"),
        _ => path.to_string(),
    }
}

fn pathexpand(call: &Call<'_>) -> Answer {
    let path = call.str(0)?;
    match path.strip_prefix('~') {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => {
            Err(CallError::at(0, "the home directory of another user is not known"))
        }
        Some(_) if call.host.home_dir().is_none() => Err(CallError::at(0, "the home directory is not known")),
        Some(_) => Ok(expanded(call, path).into()),
        None => Ok(path.clone().into()),
    }
}

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path, trimmed) {
        ("", _) => ".",
        (_, "") => "/",
        (_, trimmed) => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

/// The shortest path to the same place, without looking at the file system: `a//b/../c` is `a/c`.
pub fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => (),
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            ".." if rooted => (),
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_string(),
        (false, false) => joined,
    }
}
