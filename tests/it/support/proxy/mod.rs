//! A proxy that stands between the command and an API server, counts the calls, and misbehaves on demand.
//!
//! ```ignore
//! let proxy = Proxy::start(moto.url());
//! proxy.on("CreateVpc").first(2).error(503, "RequestLimitExceeded", "slow down");
//! proxy.on("DescribeNatGateways").first(3).rewrite("<state>available<", "<state>pending<");
//! proxy.on("CreateSubnet").nth(2).once_answered(kill.hook());
//! proxy.on("CreateNatGateway").nth(1).lose_answer();
//! // run the command with AWS_ENDPOINT_URL = proxy.url()
//! assert_eq!(proxy.count("CreateVpc"), 3);
//! ```
//!
//! An operation is named as the API names it: the `Action` of the query protocol (EC2, IAM, RDS, ElastiCache, STS), the
//! last word of `X-Amz-Target` (JSON services), or method and path for REST (`POST /clusters`, `PUT /bucket?versioning`).
//! `*` in a name stands for any text: `Describe*`, `GET /clusters/*`.

mod call;
mod rule;

use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::oneshot;

pub use call::Call;
use rule::{Fate, Rule};
pub use rule::{Hook, When};

/// How long [`Proxy::wait_for`] waits before it fails the test.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

type Body = BoxBody<Bytes, std::io::Error>;
type Upstream = Client<HttpConnector, Full<Bytes>>;

/// A running proxy. Dropping it ends it.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: String,
    record: Mutex<Record>,
    arrived: Condvar,
}

#[derive(Default)]
struct Record {
    calls: Vec<Call>,
    rules: Vec<Rule>,
    in_flight: usize,
    most_at_once: usize,
}

impl Proxy {
    /// Starts a proxy on a free port of 127.0.0.1 that passes everything on to `upstream` (`http://host:port`).
    pub fn start(upstream: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        listener.set_nonblocking(true).expect("a socket of ours takes the option");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let shared = Arc::new(Shared {
            upstream: upstream.trim_end_matches('/').to_owned(),
            record: Mutex::default(),
            arrived: Condvar::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || run(listener, shared, stopped)
        });
        Proxy { url, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Begins a rule for the calls of one operation; what it does is the last word of the chain.
    pub fn on<'p>(&'p self, operation: &str) -> Matching<'p> {
        Matching { proxy: self, operation: operation.to_owned(), containing: None, when: When::Always }
    }

    /// Takes all rules back; calls stay counted.
    pub fn behave(&self) {
        self.shared.lock().rules.clear();
    }

    /// How often an operation (`*` allowed) was called, whatever came of it.
    pub fn count(&self, operation: &str) -> usize {
        self.shared.lock().calls.iter().filter(|call| call.is(operation)).count()
    }

    /// All calls, in the order of their arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.clone()
    }

    /// The calls of one operation, in the order of their arrival.
    pub fn calls_of(&self, operation: &str) -> Vec<Call> {
        self.shared.lock().calls.iter().filter(|call| call.is(operation)).cloned().collect()
    }

    /// The greatest number of calls that were under way at one moment.
    pub fn most_at_once(&self) -> usize {
        self.shared.lock().most_at_once
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        let mut record = self.shared.lock();
        record.calls.clear();
        record.most_at_once = record.in_flight;
    }

    /// Waits until the `n`th call of an operation has arrived.
    pub fn wait_for(&self, operation: &str, n: usize) {
        let deadline = Instant::now() + WAIT_LIMIT;
        let mut record = self.shared.lock();
        while record.calls.iter().filter(|call| call.is(operation)).count() < n {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "call {n} of {operation} did not arrive within {WAIT_LIMIT:?}");
            record = self.shared.arrived.wait_timeout(record, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The calls that a rule is about. The words that say when narrow it; the words that say what finish it.
#[must_use = "a rule begins to hold with the word that says what it does, such as `error` or `delay`"]
pub struct Matching<'p> {
    proxy: &'p Proxy,
    operation: String,
    containing: Option<String>,
    when: When,
}

impl Matching<'_> {
    /// Only calls whose path, query or body contains `text`, after percent-decoding.
    pub fn containing(mut self, text: &str) -> Self {
        self.containing = Some(text.to_owned());
        self
    }

    /// The first `n` calls.
    pub fn first(mut self, n: usize) -> Self {
        self.when = When::First(n);
        self
    }

    /// The `n`th call alone, counted from 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.when = When::Nth(n);
        self
    }

    /// All calls after the first `n`.
    pub fn after(mut self, n: usize) -> Self {
        self.when = When::After(n);
        self
    }

    /// Each `n`th call.
    pub fn every(mut self, n: usize) -> Self {
        self.when = When::Every(n);
        self
    }

    /// Answers with an API error in the form of the service's protocol; the server never sees the call.
    pub fn error(self, status: u16, code: &str, message: &str) {
        self.add(Fate::Error { status, code: code.to_owned(), message: message.to_owned() });
    }

    /// Answers with this; the server never sees the call.
    pub fn answer(self, status: u16, content_type: &str, body: &str) {
        self.add(Fate::Answer { status, content_type: content_type.to_owned(), body: body.to_owned() });
    }

    /// Answers 200 with bytes that are no answer of any protocol; the server never sees the call.
    pub fn garbage(self) {
        self.add(Fate::Answer {
            status: 200,
            content_type: "text/html".to_owned(),
            body: "<html><b>}{\u{0}".to_owned(),
        });
    }

    /// Takes the call and never answers; the server never sees it.
    pub fn hang(self) {
        self.add(Fate::Hang);
    }

    /// Closes the connection before the server sees the call.
    pub fn refuse(self) {
        self.add(Fate::Refuse);
    }

    /// Lets the server do its work and closes the connection without a word of the answer.
    pub fn lose_answer(self) {
        self.add(Fate::LoseAnswer);
    }

    /// Lets the server do its work and closes the connection in the middle of the answer's body.
    pub fn cut_answer(self) {
        self.add(Fate::CutAnswer);
    }

    /// Holds the call back for a while, then passes it on.
    pub fn delay(self, time: Duration) {
        self.add(Fate::Delay(time));
    }

    /// Replaces text in the answer. With [`first`](Matching::first) it holds a resource in `creating` for n looks.
    pub fn rewrite(self, from: &str, to: &str) {
        self.add(Fate::Rewrite { from: from.to_owned(), to: to.to_owned() });
    }

    /// Runs `hook` when the call has arrived, before the server sees it.
    pub fn once_arrived(self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        self.add(Fate::Arrived(Arc::new(hook)));
    }

    /// Runs `hook` when the server has answered, before the caller sees the answer.
    pub fn once_answered(self, hook: impl Fn(&Call) + Send + Sync + 'static) {
        self.add(Fate::Answered(Arc::new(hook)));
    }

    fn add(self, fate: Fate) {
        let rule = Rule { operation: self.operation, containing: self.containing, when: self.when, seen: 0, fate };
        self.proxy.shared.lock().rules.push(rule);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Record> {
        // A panic in one test's hook must not hide the message of the next assertion.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the call and gives its number and what the rules have in store for it.
    fn arrive(&self, call: &Call) -> (usize, Vec<Fate>) {
        let mut record = self.lock();
        record.in_flight += 1;
        record.most_at_once = record.most_at_once.max(record.in_flight);
        record.calls.push(call.clone());
        let fates = record.rules.iter_mut().filter_map(|rule| rule.fate_of(call)).collect();
        let number = record.calls.len() - 1;
        self.arrived.notify_all();
        (number, fates)
    }

    fn leave(&self, number: usize, status: Option<u16>) {
        let mut record = self.lock();
        record.in_flight = record.in_flight.saturating_sub(1);
        if let Some(call) = record.calls.get_mut(number) {
            call.status = status;
            call.finished = Some(Instant::now());
        }
    }
}

/// Counts a call as under way until its answer is on its way, also when the caller goes away meanwhile.
struct Visit<'s> {
    shared: &'s Shared,
    number: usize,
    status: Option<u16>,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.shared.leave(self.number, self.status);
    }
}

fn run(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime for the proxy");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("the socket is non-blocking");
        tokio::select! {
            () = accept(listener, shared) => {}
            _ = stopped => {}
        }
    });
    // Hanging calls must not hold the test back.
    runtime.shutdown_background();
}

async fn accept(listener: tokio::net::TcpListener, shared: Arc<Shared>) {
    let upstream: Upstream = Client::builder(TokioExecutor::new()).build_http();
    loop {
        let Ok((socket, _)) = listener.accept().await else { continue };
        let (shared, upstream) = (Arc::clone(&shared), upstream.clone());
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| serve(request, &shared, &upstream));
            // An error is a connection that a rule, or the caller, has closed.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

/// An error closes the connection without an answer.
async fn serve(
    request: Request<Incoming>,
    shared: &Shared,
    upstream: &Upstream,
) -> Result<Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let mut call = Call::of(&head, &body);
    let (number, fates) = shared.arrive(&call);
    let mut visit = Visit { shared, number, status: None };

    for fate in &fates {
        match fate {
            Fate::Arrived(hook) => run_hook(hook, &call).await,
            Fate::Delay(time) => tokio::time::sleep(*time).await,
            Fate::Hang => std::future::pending().await,
            Fate::Refuse => return Err(std::io::Error::other("refused by a rule")),
            Fate::Error { status, code, message } => {
                visit.status = Some(*status);
                let (content_type, body) = call.error_body(code, message);
                return own_answer(*status, content_type, body, Some(code));
            }
            Fate::Answer { status, content_type, body } => {
                visit.status = Some(*status);
                return own_answer(*status, content_type, body.clone(), None);
            }
            Fate::LoseAnswer | Fate::CutAnswer | Fate::Rewrite { .. } | Fate::Answered(_) => {}
        }
    }

    let mut onward = Request::from_parts(head, Full::new(body));
    let target = format!("{}{}", shared.upstream, onward.uri().path_and_query().map_or("/", |path| path.as_str()));
    *onward.uri_mut() = target.parse::<Uri>().map_err(std::io::Error::other)?;
    onward.headers_mut().remove(TRANSFER_ENCODING);
    let answer = upstream.request(onward).await.map_err(std::io::Error::other)?;
    let (mut head, body) = answer.into_parts();
    let mut body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    visit.status = Some(head.status.as_u16());
    call.status = visit.status;

    let mut cut = false;
    for fate in &fates {
        match fate {
            Fate::Rewrite { from, to } => {
                body = Bytes::from(String::from_utf8_lossy(&body).replace(from.as_str(), to));
            }
            Fate::Answered(hook) => run_hook(hook, &call).await,
            Fate::LoseAnswer => return Err(std::io::Error::other("the answer is lost by a rule")),
            Fate::CutAnswer => cut = true,
            _ => {}
        }
    }
    head.headers.remove(TRANSFER_ENCODING);
    // The answer to HEAD tells the length of a body that is not there.
    if call.method != "HEAD" {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let body = if cut { half(&body) } else { whole(body) };
    Ok(Response::from_parts(head, body))
}

async fn run_hook(hook: &Hook, call: &Call) {
    let (hook, call) = (Arc::clone(hook), call.clone());
    // A hook may kill a process and wait for its end; a panic in it shows in the test's output.
    let _ = tokio::task::spawn_blocking(move || hook(&call)).await;
}

fn own_answer(
    status: u16,
    content_type: &str,
    body: String,
    code: Option<&str>,
) -> Result<Response<Body>, std::io::Error> {
    let mut answer = Response::builder().status(status).header(CONTENT_TYPE, content_type);
    if let Some(code) = code {
        answer = answer.header("x-amzn-errortype", code).header("x-amzn-requestid", call::REQUEST_ID);
    }
    answer.body(whole(Bytes::from(body))).map_err(std::io::Error::other)
}

fn whole(body: Bytes) -> Body {
    Full::new(body).map_err(|never| match never {}).boxed()
}

/// The first half of a body, then the end of the connection.
fn half(body: &Bytes) -> Body {
    let start = body.slice(..body.len() / 2);
    let frames = [Ok(Frame::data(start)), Err(std::io::Error::other("the answer is cut by a rule"))];
    BodyExt::boxed(StreamBody::new(stream::iter(frames)))
}
