//! `local_file` and `local_sensitive_file`: a file with the content that is said. A file that was deleted or
//! changed by others counts as gone, so that the plan writes it again.

use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::{self, SUMS, file_error, set_sums};
use crate::model::{Diagnostic, Object, ObjectBuilder, Path};
use crate::provider::resource::ResourceBuilder;
use crate::provider::schema_words::{AttributeWord, string};
use crate::provider::{
    Config, Create, Delete, Driver, IdempotencyKey, Outcome, PlannedChange, ProviderError, Read, ReadOutcome,
    ResourceType, Stored, Trace, resource,
};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::{PlannedObject, compute, known};

const SOURCES: [&str; 4] = ["content", "content_base64", "sensitive_content", "source"];

pub fn local_file() -> ResourceType<Here> {
    resource("local_file", "A file with the given content.")
        .with(|resource| file(resource, false))
        .attr(
            "sensitive_content",
            text(&["content", "content_base64", "source"]).sensitive().deprecated("use local_sensitive_file instead"),
            "The content, not shown.",
        )
        .driver(File { is_sensitive: false })
}

pub fn local_sensitive_file() -> ResourceType<Here> {
    resource("local_sensitive_file", "A file with the given content, which is not shown.")
        .with(|resource| file(resource, true))
        .driver(File { is_sensitive: true })
}

fn text(conflicts: &[&'static str]) -> AttributeWord {
    string().optional().replaces().conflicts_with(conflicts)
}

fn file(resource: ResourceBuilder, is_sensitive: bool) -> ResourceBuilder {
    let secret = |word: AttributeWord| if is_sensitive { word.sensitive() } else { word };
    let mode = || string().default(if is_sensitive { "0700" } else { "0777" }).replaces();
    let resource = resource
        .attr("filename", string().required().replaces(), "The path of the file.")
        .attr("content", secret(text(&["content_base64", "source"])), "The content as text.")
        .attr("content_base64", secret(text(&["content", "source"])), "The content in base64, for what is not text.")
        .attr("source", text(&["content", "content_base64"]), "The path of a file to copy.")
        .attr("file_permission", mode(), "The mode of the file, in octal digits.")
        .attr("directory_permission", mode(), "The mode of folders that are made for it, in octal digits.")
        .import_example("out/config.json");
    SUMS.into_iter().fold(resource, |resource, (name, doc)| resource.attr(name, string().computed(), doc))
}

struct File {
    is_sensitive: bool,
}

fn mode(config: &Object, name: &str, default: u32) -> Result<u32, ProviderError> {
    let Some(text) = config.str(name) else { return Ok(default) };
    parse_mode(text).ok_or_else(|| wrong_mode(text).path(Path::attr(name)))
}

fn parse_mode(text: &str) -> Option<u32> {
    let plain = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|_| plain)
}

fn wrong_mode(text: &str) -> ProviderError {
    ProviderError::invalid(format!("\"{text}\" is not a file mode")).help("write three or four octal digits: 0644")
}

fn bytes(config: &Object) -> Result<Vec<u8>, ProviderError> {
    if let Some(encoded) = config.str("content_base64") {
        let wrong = |e| ProviderError::invalid(format!("content_base64 is not base64: {e}"));
        return STANDARD.decode(encoded).map_err(|e| wrong(e).path(Path::attr("content_base64")));
    }
    if let Some(source) = config.str("source") {
        let path = FilePath::new(source);
        return std::fs::read(path).map_err(|e| file_error("read", path, &e).path(Path::attr("source")));
    }
    let text = config.str("content").or(config.str("sensitive_content")).unwrap_or_default();
    Ok(text.as_bytes().to_vec())
}

fn create(desired: &Object, default_mode: u32) -> Result<Stored, ProviderError> {
    let path = PathBuf::from(desired.str("filename").unwrap_or_default());
    let content = bytes(desired)?;
    let file_mode = mode(desired, "file_permission", default_mode)?;
    let folder_mode = mode(desired, "directory_permission", default_mode)?;
    content::write(&path, &content, file_mode, folder_mode)
        .map_err(|e| file_error("written", &path, &e).path(Path::attr("filename")))?;
    Ok(stored(desired, &content))
}

/// The file as a creation leaves it; nothing where it says something else, or where what it shall say is a secret that
/// is not known here.
fn written(desired: &Object) -> Result<Option<Stored>, ProviderError> {
    if SOURCES.iter().all(|name| desired.str(name).is_none()) {
        return Ok(None);
    }
    let (path, content) = (PathBuf::from(desired.str("filename").unwrap_or_default()), bytes(desired)?);
    match std::fs::read(&path) {
        Ok(there) if there == content => Ok(Some(stored(desired, &content))),
        Ok(_) => Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(file_error("read", &path, &e)),
    }
}

fn stored(desired: &Object, content: &[u8]) -> Stored {
    let id = content::sha1(content);
    let object = set_sums(ObjectBuilder::from(desired), content).set("id", id.as_str());
    Stored::new(id, object.build())
}

/// Reads what the state knows, or on import the file whose path is the id.
fn read(read: &Read) -> ReadOutcome {
    let prior = known(read);
    let path = prior.and_then(|p| p.str("filename")).unwrap_or(&read.id.0);
    let content = match std::fs::read(path) {
        Ok(content) => content,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return ReadOutcome::Gone,
        Err(e) => return ReadOutcome::Failed(file_error("read", FilePath::new(path), &e)),
    };
    let id = content::sha1(&content);
    match prior {
        Some(object) if object.str("id") == Some(&id) => {
            ReadOutcome::Found(Stored { id: read.id.clone(), object: object.clone(), private: None })
        }
        Some(_) => ReadOutcome::Gone,
        None => {
            let object = set_sums(ObjectBuilder::new(), &content).set("filename", path).set("id", id.as_str());
            let object = match std::str::from_utf8(&content) {
                Ok(text) => object.set("content", text),
                Err(_) => object.set("content_base64", STANDARD.encode(&content)),
            };
            ReadOutcome::Found(Stored::new(id, object.build()))
        }
    }
}

#[async_trait]
impl Driver<Here> for File {
    fn plan(&self, change: &mut PlannedChange) {
        if !change.makes_new() {
            return;
        }
        if SOURCES.iter().all(|name| change.config_value(name).is_null()) {
            let told = Diagnostic::error("one of content, content_base64 and source must be set");
            change.diagnostics.push(told);
        }
        for name in ["file_permission", "directory_permission"] {
            if let Some(text) = change.planned_value(name).as_str()
                && parse_mode(text).is_none()
            {
                let told = wrong_mode(text);
                let diagnostic = Diagnostic::error(told.message).path(Path::attr(name));
                change.diagnostics.push(diagnostic.help(told.help.unwrap_or_default()));
            }
        }
    }

    async fn read_many(&self, _: &Here, reads: &[Read]) -> Vec<ReadOutcome> {
        let many = reads.to_vec();
        let outcomes = compute(move || Ok(many.iter().map(read).collect::<Vec<_>>())).await;
        outcomes.unwrap_or_else(|e| reads.iter().map(|_| ReadOutcome::Failed(e.clone())).collect())
    }

    async fn create(&self, _: &Here, request: Create) -> Outcome {
        let default_mode = if self.is_sensitive { 0o700 } else { 0o777 };
        compute(move || create(&request.desired, default_mode)).await.into()
    }

    fn trace(&self) -> Trace {
        Trace::Likeness
    }

    async fn find_by_key(
        &self,
        _: &Here,
        _: &IdempotencyKey,
        desired: &Config,
    ) -> Result<Option<Stored>, ProviderError> {
        let desired = desired.clone();
        compute(move || written(&desired)).await
    }

    async fn delete(&self, _: &Here, request: Delete) -> Result<(), ProviderError> {
        let Some(path) = request.prior.str("filename").map(PathBuf::from) else { return Ok(()) };
        compute(move || match std::fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(file_error("deleted", &path, &e)),
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_deleted_file_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/file.txt");
        let config = ObjectBuilder::new().set("filename", path.to_str().unwrap()).set("content", "hello");
        let stored = create(&config.set("file_permission", "0640").build(), 0o777).unwrap();
        assert_eq!(&*stored.id.0, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
        assert_eq!(stored.object.str("content_md5"), Some("5d41402abc4b2a76b9719d911017c592"));
        let request = Read { id: stored.id.clone(), prior: Some(stored.object.clone()) };
        assert!(matches!(read(&request), ReadOutcome::Found(found) if found == stored));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        let left: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "no temporary file stays");
        std::fs::write(&path, "other").unwrap();
        assert!(matches!(read(&request), ReadOutcome::Gone));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(read(&request), ReadOutcome::Gone));
    }
}
