//! An open connection to one account in one region: a client for each service, built when it is first used, and
//! the one way in which every call is made.

use std::error::Error;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::SdkConfig;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::endpoints::Endpoints;
use super::errors;
use super::tags::TagPolicy;
use crate::provider::limits::Rates;
use crate::provider::retry::RetryPolicy;
use crate::provider::transport::{Lane, Transport};
use crate::provider::{ErrorKind, Operation, Pace, ProviderError, Repeat, Seen, Stoppable, wait};

/// The connection that all drivers of this provider get.
pub struct Aws {
    session: Arc<Session>,
    /// Gives the calls up that are made through this.
    cancel: CancellationToken,
    /// When the time of the operation is over that this connection is for.
    deadline: Option<Instant>,
}

/// What all operations of one connection share.
pub(super) struct Session {
    pub(super) sdk: SdkConfig,
    pub(super) endpoints: Endpoints,
    pub(super) path_style: bool,
    pub(super) region: String,
    /// Not there where the configuration says not to ask for it.
    pub(super) account: OnceLock<String>,
    pub(super) identity: OnceLock<Identity>,
    pub(super) tags: TagPolicy,
    pub(super) transport: Arc<Transport>,
    pub(super) retry: RetryPolicy,
    pub(super) pace: Pace,
    pub(super) clients: Clients,
}

/// Who the credentials belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub account: String,
    pub arn: String,
    pub user: String,
}

#[derive(Default)]
pub(super) struct Clients {
    ec2: OnceLock<aws_sdk_ec2::Client>,
    eks: OnceLock<aws_sdk_eks::Client>,
    elasticache: OnceLock<aws_sdk_elasticache::Client>,
    iam: OnceLock<aws_sdk_iam::Client>,
    rds: OnceLock<aws_sdk_rds::Client>,
    s3: OnceLock<aws_sdk_s3::Client>,
    sts: OnceLock<aws_sdk_sts::Client>,
}

/// A service's client from the common configuration and the service's endpoint, if one is set.
macro_rules! client {
    ($aws:expr, $service:ident, $sdk:ident $(, $more:expr)?) => {
        $aws.session.clients.$service.get_or_init(|| {
            let mut config = $sdk::config::Builder::from(&$aws.session.sdk);
            if let Some(url) = $aws.session.endpoints.get(stringify!($service)) {
                config = config.endpoint_url(url);
            }
            $(config = $more(config);)?
            $sdk::Client::from_conf(config.build())
        })
    };
}

impl Aws {
    pub(super) fn new(session: Session) -> Aws {
        Aws { session: Arc::new(session), cancel: CancellationToken::new(), deadline: None }
    }

    /// Notes who the credentials belong to; `knows_account` says whether the account's number may be used.
    pub(super) fn identified(&self, identity: Identity, knows_account: bool) {
        if knows_account {
            self.session.account.get_or_init(|| identity.account.clone());
        }
        self.session.identity.get_or_init(|| identity);
    }

    pub fn ec2(&self) -> &aws_sdk_ec2::Client {
        client!(self, ec2, aws_sdk_ec2)
    }

    pub fn eks(&self) -> &aws_sdk_eks::Client {
        client!(self, eks, aws_sdk_eks)
    }

    pub fn elasticache(&self) -> &aws_sdk_elasticache::Client {
        client!(self, elasticache, aws_sdk_elasticache)
    }

    pub fn iam(&self) -> &aws_sdk_iam::Client {
        client!(self, iam, aws_sdk_iam)
    }

    pub fn rds(&self) -> &aws_sdk_rds::Client {
        client!(self, rds, aws_sdk_rds)
    }

    pub fn s3(&self) -> &aws_sdk_s3::Client {
        let style = |config: aws_sdk_s3::config::Builder| config.force_path_style(self.session.path_style);
        client!(self, s3, aws_sdk_s3, style)
    }

    pub fn sts(&self) -> &aws_sdk_sts::Client {
        client!(self, sts, aws_sdk_sts)
    }

    pub fn region(&self) -> &str {
        &self.session.region
    }

    /// The account's number; empty where the configuration says not to ask for it.
    pub fn account(&self) -> &str {
        self.session.account.get().map_or("", String::as_str)
    }

    /// Who the credentials belong to, where that was asked for when connecting.
    pub fn identity(&self) -> Option<&Identity> {
        self.session.identity.get()
    }

    pub fn partition(&self) -> Partition {
        Partition::of(&self.session.region)
    }

    /// `arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-0a1b`, in this region and account.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        self.arn_of(service, self.account(), resource)
    }

    /// The ARN of an object that belongs to another account, as shared subnets do.
    pub fn arn_of(&self, service: &str, account: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{account}:{resource}", self.partition().name, self.session.region)
    }

    pub fn tags(&self) -> &TagPolicy {
        &self.session.tags
    }

    /// How often to look while waiting.
    pub fn pace(&self) -> Pace {
        self.session.pace
    }

    /// [`wait`] at this connection's pace.
    pub async fn wait<T, F, Fut>(&self, op: &Operation, target: &str, look: F) -> Result<T, ProviderError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<Seen<T>, ProviderError>>,
    {
        wait(op, self.end(op), self.session.pace, target, look).await
    }

    /// [`crate::provider::insist`] at this connection's pace, for at most `limit`.
    pub async fn insist<T, F, Fut>(
        &self,
        op: &Operation,
        limit: Duration,
        passes: impl Fn(&ProviderError) -> bool,
        call: F,
    ) -> Result<T, ProviderError>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let deadline = self.end(op).min(Instant::now() + limit);
        crate::provider::insist(op, deadline, self.session.pace, passes, call).await
    }

    /// When the time of the operation is over.
    fn end(&self, op: &Operation) -> Instant {
        self.deadline.unwrap_or_else(|| Instant::now() + op.timeout)
    }

    /// The same connection for a last look at what there is, after the time of the operation may be over.
    pub fn for_a_last_look(&self) -> Aws {
        let deadline = self.deadline.map(|end| end.max(Instant::now() + LAST_LOOK));
        Aws { session: self.session.clone(), cancel: self.cancel.clone(), deadline }
    }

    /// Makes an idempotent call: limits, retries, and errors in our terms.
    /// `aws.call("ec2", "DescribeVpcs", || request.clone().send())`
    pub async fn call<T, E, F, Fut>(&self, service: &str, action: &str, attempt: F) -> Result<T, ProviderError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        self.send(service, action, Repeat::Always, attempt).await
    }

    /// Makes a call that creates something and has no client token. After a failure that leaves open whether it
    /// happened, `find` looks for the object before the call is made again. Gives the new object's id, which
    /// `id` takes out of the answer. Whatever it ends with after such a failure, its error leaves that open too.
    pub async fn create<T, E, F, Fut, S, Sut>(
        &self,
        service: &str,
        action: &str,
        attempt: F,
        id: impl Fn(&T) -> Option<String>,
        find: S,
    ) -> Result<String, ProviderError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        S: Fn() -> Sut,
        Sut: Future<Output = Result<Option<String>, ProviderError>>,
    {
        let (mut retries, mut is_open) = (0, false);
        loop {
            let error = match self.send(service, action, Repeat::IfRefused, &attempt).await {
                Ok(answer) => return id(&answer).ok_or_else(|| no_id(service, action)),
                Err(error) => error.left_open(is_open),
            };
            is_open = error.leaves_open();
            let refused = matches!(error.kind, ErrorKind::Throttled { .. });
            let pause = self.session.retry.pause(&error, Repeat::Always, retries, rand::random()).filter(|_| !refused);
            let Some(pause) = pause else { return Err(error) };
            // A cancelled token lets the search below end at once.
            self.cancel.run_until_cancelled(tokio::time::sleep(pause)).await;
            if let Some(id) = find().await.map_err(|e| e.left_open(is_open))? {
                return Ok(id);
            }
            retries += 1;
        }
    }

    async fn send<T, E, F, Fut>(
        &self,
        service: &str,
        action: &str,
        repeat: Repeat,
        attempt: F,
    ) -> Result<T, ProviderError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let lane = self.lane(service);
        let operation = format!("{service}:{action}");
        // The SDK's futures are tens of kilobytes; boxed, they do not add up in the drivers' futures.
        let attempt = || {
            let sent = Box::pin(attempt());
            async { sent.await.map_err(|e| errors::from_sdk(&operation, &e)) }
        };
        let called = lane.call(&self.session.retry, repeat, &self.cancel, attempt);
        let result = match self.deadline {
            Some(end) if end <= Instant::now() => Err(out_of_time()),
            Some(end) => tokio::time::timeout_at(end, called).await.unwrap_or_else(|_| Err(out_of_time())),
            None => called.await,
        };
        result.map_err(|e| match e.operation.is_empty() {
            true => e.operation(operation.as_str()),
            false => e,
        })
    }

    fn lane(&self, service: &str) -> Arc<Lane> {
        let region = if service == "iam" { "global" } else { &self.session.region };
        self.session.transport.lane(service, region, rates(service))
    }
}

impl Stoppable for Aws {
    fn within(&self, op: &Operation) -> Aws {
        let deadline = Instant::now().checked_add(op.timeout);
        Aws { session: self.session.clone(), cancel: op.cancel.clone(), deadline }
    }

    /// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>
    fn answers_lag(&self) -> bool {
        true
    }
}

/// How long a last look may take.
const LAST_LOOK: Duration = Duration::from_secs(30);

fn out_of_time() -> ProviderError {
    ProviderError::new(ErrorKind::Timeout, "the time for the whole operation is over")
        .help("a timeouts block in the resource sets a longer time; the next run goes on from where this one ended")
}

fn no_id(service: &str, action: &str) -> ProviderError {
    ProviderError::new(ErrorKind::Service, "the answer names no object").operation(format!("{service}:{action}"))
}

/// What the services are documented or known to take from one account in one region. EC2 counts each operation on
/// its own (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>), so the sum is higher than any
/// of its buckets; what is too fast for one of them shows as throttling and is backed off from.
fn rates(service: &str) -> Rates {
    let (per_second, burst, concurrent) = match service {
        "ec2" => (100.0, 200, 64),
        "s3" => (200.0, 400, 64),
        "iam" => (20.0, 60, 16),
        "eks" => (10.0, 40, 16),
        _ => (20.0, 100, 32),
    };
    Rates { per_second, burst, concurrent }
}

/// A separate AWS, with its own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    pub name: &'static str,
    pub dns_suffix: &'static str,
    pub reverse_dns_prefix: &'static str,
}

impl Partition {
    pub fn of(region: &str) -> Partition {
        let (name, dns_suffix, reverse_dns_prefix) = match region {
            r if r.starts_with("cn-") => ("aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"),
            r if r.starts_with("us-gov-") => ("aws-us-gov", "amazonaws.com", "com.amazonaws"),
            r if r.starts_with("us-iso-") => ("aws-iso", "c2s.ic.gov", "gov.ic.c2s"),
            r if r.starts_with("us-isob-") => ("aws-iso-b", "sc2s.sgov.gov", "gov.sgov.sc2s"),
            _ => ("aws", "amazonaws.com", "com.amazonaws"),
        };
        Partition { name, dns_suffix, reverse_dns_prefix }
    }
}
