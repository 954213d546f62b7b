//! Updates that EKS makes step by step: each has an id and a state of its own. EKS: DescribeUpdate.

use std::fmt::Write;

use aws_sdk_eks::types::{Update, UpdateStatus};

use crate::provider::{ErrorKind, Operation, ProviderError, Seen};
use crate::providers::aws::Aws;

/// Waits until an update of a cluster, or of one of its node groups, is done. Servers that give no update have
/// done it at once.
pub async fn wait(
    aws: &Aws,
    op: &Operation,
    cluster: &str,
    node_group: Option<&str>,
    update: Option<Update>,
) -> Result<(), ProviderError> {
    let Some(id) = update.and_then(|u| u.id) else { return Ok(()) };
    let request =
        aws.eks().describe_update().name(cluster).set_nodegroup_name(node_group.map(Into::into)).update_id(id);
    let look = || async {
        let answer = aws.call("eks", "DescribeUpdate", || request.clone().send()).await?;
        match answer.update().and_then(Update::status) {
            Some(UpdateStatus::Successful) => Ok(Seen::Ready(())),
            Some(UpdateStatus::Failed | UpdateStatus::Cancelled) => Err(failed(answer.update())),
            status => Ok(Seen::Pending(status.map_or("unknown", UpdateStatus::as_str).to_string())),
        }
    };
    aws.wait(op, "Successful", look).await
}

fn failed(update: Option<&Update>) -> ProviderError {
    let kind = update.and_then(Update::r#type).map_or("update", |t| t.as_str());
    let mut message = format!("EKS did not carry out the {kind}");
    let mut code = None;
    for error in update.map(Update::errors).unwrap_or_default() {
        code = code.or(error.error_code().map(|c| c.as_str().to_string()));
        let _ = write!(message, "; {}", error.error_message().unwrap_or("no message"));
        if !error.resource_ids().is_empty() {
            let _ = write!(message, " ({})", error.resource_ids().join(", "));
        }
    }
    ProviderError::new(ErrorKind::Other, message).code(code.unwrap_or_default()).operation("eks:DescribeUpdate")
}
