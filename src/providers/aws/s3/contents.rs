//! What is in a bucket: deleted with it where the user says so.
//! S3: ListObjectVersions, DeleteObjects.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::provider::{ErrorKind, Operation, ProviderError};
use crate::providers::aws::Aws;

/// Deletes all objects with all their versions and delete markers, a thousand in a call. In a bucket with object
/// lock, what governance mode keeps is deleted too; what compliance mode keeps cannot be.
pub async fn delete_all(aws: &Aws, op: &Operation, bucket: &str, is_lockable: bool) -> Result<(), ProviderError> {
    let (mut key, mut version) = (None::<String>, None::<String>);
    let mut deleted = 0;
    loop {
        if op.cancel.is_cancelled() {
            return Err(ProviderError::new(ErrorKind::Cancelled, format!("stopped while emptying \"{bucket}\"")));
        }
        let page = aws
            .s3()
            .list_object_versions()
            .bucket(bucket)
            .set_key_marker(key.take())
            .set_version_id_marker(version.take());
        let answer = aws.call("s3", "ListObjectVersions", || page.clone().send()).await?;
        let found = identifiers(&answer);
        deleted += found.len();
        delete(aws, bucket, found, is_lockable).await?;
        op.progress.tell(&format!("deleted {deleted} versions of objects"));
        if answer.is_truncated != Some(true) {
            return Ok(());
        }
        (key, version) = (answer.next_key_marker, answer.next_version_id_marker);
    }
}

fn identifiers(answer: &ListObjectVersionsOutput) -> Vec<ObjectIdentifier> {
    let versions = answer.versions().iter().map(|v| (v.key(), v.version_id()));
    let markers = answer.delete_markers().iter().map(|m| (m.key(), m.version_id()));
    let identifier = |(key, version): (Option<&str>, Option<&str>)| {
        let identifier = ObjectIdentifier::builder().key(key?).set_version_id(version.map(str::to_string));
        identifier.build().ok()
    };
    versions.chain(markers).filter_map(identifier).collect()
}

async fn delete(
    aws: &Aws,
    bucket: &str,
    objects: Vec<ObjectIdentifier>,
    is_lockable: bool,
) -> Result<(), ProviderError> {
    if objects.is_empty() {
        return Ok(());
    }
    let batch = Delete::builder().set_objects(Some(objects)).quiet(true).build();
    let batch = batch.map_err(|e| ProviderError::invalid(e.to_string()))?;
    let bypass = is_lockable.then_some(true);
    let request = aws.s3().delete_objects().bucket(bucket).delete(batch).set_bypass_governance_retention(bypass);
    let answer = aws.call("s3", "DeleteObjects", || request.clone().send()).await?;
    // Quiet: what is answered is what could not be deleted.
    let Some(first) = answer.errors.unwrap_or_default().into_iter().next() else { return Ok(()) };
    let (key, why) = (first.key().unwrap_or_default(), first.message().unwrap_or("no message"));
    let kind = if first.code() == Some("AccessDenied") { ErrorKind::Denied } else { ErrorKind::Service };
    Err(ProviderError::new(kind, format!("object \"{key}\" in \"{bucket}\" is not deleted: {why}"))
        .operation("s3:DeleteObjects")
        .code(first.code().unwrap_or_default()))
}
