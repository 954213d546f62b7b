//! The data sources `local_file` and `local_sensitive_file`: what a file holds now.

use std::path::PathBuf;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::content::{SUMS, file_error, set_sums, sha1};
use crate::model::{Object, ObjectBuilder, Path};
use crate::provider::resource::DataBuilder;
use crate::provider::schema_words::{AttributeWord, string};
use crate::provider::{Config, DataDriver, DataType, Operation, ProviderError, data_source};
use crate::providers::builtin::Here;
use crate::providers::builtin::state_only::compute;

pub fn local_file() -> DataType<Here> {
    schema(data_source("local_file", "What a file holds."), false)
}

pub fn local_sensitive_file() -> DataType<Here> {
    schema(data_source("local_sensitive_file", "What a file holds, not shown."), true)
}

fn schema(data: DataBuilder, is_sensitive: bool) -> DataType<Here> {
    let secret = |word: AttributeWord| if is_sensitive { word.sensitive() } else { word };
    let data = data
        .attr("filename", string().required(), "The path of the file.")
        .attr("content", secret(string().always()), "The content as text; what is not UTF-8 is replaced.")
        .attr("content_base64", secret(string().always()), "The content in base64.");
    SUMS.into_iter().fold(data, |data, (name, doc)| data.attr(name, string().always(), doc)).driver(File)
}

struct File;

#[async_trait]
impl DataDriver<Here> for File {
    async fn read(&self, _: &Here, config: &Config, _: &Operation) -> Result<Object, ProviderError> {
        let path = PathBuf::from(config.str("filename").unwrap_or_default());
        let config = config.clone();
        compute(move || {
            let content =
                std::fs::read(&path).map_err(|e| file_error("read", &path, &e).path(Path::attr("filename")))?;
            let object = set_sums(ObjectBuilder::from(&config), &content)
                .set("content", String::from_utf8_lossy(&content).into_owned())
                .set("content_base64", STANDARD.encode(&content))
                .set("id", sha1(&content));
            Ok(object.build())
        })
        .await
    }
}
