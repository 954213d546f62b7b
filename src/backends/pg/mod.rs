//! `backend "pg"`: states as rows in PostgreSQL. Every commit is a transaction that first takes the row of its state,
//! so that writers come one after the other, and then checks the lease that it is made under.

mod history;
mod rows;
mod sealing;
mod store;
mod tables;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::background::Background;
use super::documents::{journal, leftover};
use super::{Argument, Backend, Configuration, Context, Kind, Registration};
use crate::state::seal::envelopes::Envelopes;
use crate::state::{Snapshot, StateError, Store, Workspace};

pub const REGISTRATION: Registration = Registration {
    name: "pg",
    about: "Tables of a PostgreSQL database.",
    arguments: &[
        Argument::text("conn_str", "How to connect, such as postgres://user@host/database.")
            .secret()
            .or(&["PG_CONN_STR"]),
        Argument::text("schema_name", "The schema of the tables; \"terraform_remote_state\" unless said.")
            .or(&["PG_SCHEMA_NAME"]),
        Argument::text("skip_schema_creation", "Takes it that the schema is there.")
            .kind(Kind::Flag)
            .or(&["PG_SKIP_SCHEMA_CREATION"]),
        Argument::text("skip_table_creation", "Takes it that the tables are there.")
            .kind(Kind::Flag)
            .or(&["PG_SKIP_TABLE_CREATION"]),
        Argument::text("skip_index_creation", "Has no effect: the tables carry their indexes.")
            .kind(Kind::Flag)
            .or(&["PG_SKIP_INDEX_CREATION"]),
    ],
    connect: |configuration, context| Ok(Arc::new(Postgres::new(configuration, context)?)),
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the tables are, and how to get there.
pub struct Database {
    config: tokio_postgres::Config,
    tls: tls::Tls,
    /// Quoted, for SQL.
    schema: String,
    /// `postgres://host/database schema`, without user and password.
    place: String,
    create: (bool, bool),
    envelopes: Arc<Envelopes>,
}

impl Database {
    /// A connection with the tables in place.
    async fn connect(&self) -> Result<Client, StateError> {
        let (client, connection) = self.config.connect(self.tls.connector()).await.map_err(|e| self.told(&e))?;
        tokio::spawn(async move {
            // Its end shows in whoever uses the client.
            let _ended = connection.await;
        });
        Ok(client)
    }

    /// A connection to tables that are there; they are made where they are not.
    async fn prepared(&self) -> Result<Client, StateError> {
        let mut client = self.connect().await?;
        let sql = tables::create(&self.schema, self.create);
        if !sql.is_empty() {
            let tx = client.transaction().await.map_err(|e| self.told(&e))?;
            // Two that make the same tables at once would fail.
            tx.batch_execute(tables::ALONE).await.map_err(|e| self.told(&e))?;
            tx.batch_execute(&sql).await.map_err(|e| self.told(&e))?;
            tx.commit().await.map_err(|e| self.told(&e))?;
        }
        Ok(client)
    }

    /// What an error means for a state. What the server says holds no values: its `detail` may, and is left out.
    fn told(&self, error: &tokio_postgres::Error) -> StateError {
        let place = self.place.clone();
        match error.as_db_error() {
            // Shutting down, starting up, too many clients.
            Some(db) if db.code().code().starts_with("57P") || db.code().code().starts_with("53") => {
                StateError::Unreachable { place, detail: db.message().to_string() }
            }
            Some(db) => StateError::Refused { place, detail: db.message().to_string() },
            None => StateError::Unreachable { place, detail: super::documents::root_cause(error) },
        }
    }
}

/// The states of a schema.
pub struct Postgres {
    database: Arc<Database>,
    context: Context,
    background: Arc<Background>,
}

impl Postgres {
    fn new(configuration: &Configuration, context: &Context) -> Result<Postgres, StateError> {
        let (text, options) = tls::split(configuration.text("conn_str").unwrap_or_default(), &context.environment);
        let refused = |detail: String| StateError::Refused { place: "the backend's \"conn_str\"".to_string(), detail };
        // The parser names the part that is wrong, never a value.
        let mut config: tokio_postgres::Config =
            text.parse().map_err(|e: tokio_postgres::Error| refused(e.to_string()))?;
        complete(&mut config, context);
        config.connect_timeout(CONNECT).application_name("terrane").ssl_mode(options.mode());
        let schema = configuration.text("schema_name").unwrap_or("terraform_remote_state");
        let hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
        let ports: Vec<String> = config.get_ports().iter().map(u16::to_string).collect();
        let at = [hosts.join(","), ports.join(",")].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(":");
        let place = format!("postgres://{at}/{} {schema}", config.get_dbname().unwrap_or_default());
        let database = Database {
            tls: options.tls().map_err(refused)?,
            config,
            schema: format!("\"{}\"", schema.replace('"', "\"\"")),
            place,
            envelopes: Arc::new(Envelopes::new(context.around.encryption.clone(), "postgres")),
            create: (!configuration.flag("skip_schema_creation"), !configuration.flag("skip_table_creation")),
        };
        Ok(Postgres {
            database: Arc::new(database),
            context: context.clone(),
            background: Arc::new(Background::start()?),
        })
    }

    fn journal(&self, workspace: &Workspace) -> std::path::PathBuf {
        journal::path(&self.context.data_dir, &self.place(workspace))
    }
}

/// What the connection string leaves open, as PostgreSQL's own tools take it from the environment.
fn complete(config: &mut tokio_postgres::Config, context: &Context) {
    let variable = |name: &str| context.environment.get(name).map(String::as_str).filter(|v| !v.is_empty());
    if config.get_hosts().is_empty() {
        config.host(variable("PGHOST").unwrap_or("localhost"));
    }
    if let (true, Some(port)) = (config.get_ports().is_empty(), variable("PGPORT").and_then(|p| p.parse().ok())) {
        config.port(port);
    }
    if let (None, Some(user)) = (config.get_user(), variable("PGUSER").or(variable("USER"))) {
        config.user(user);
    }
    if let (None, Some(password)) = (config.get_password(), variable("PGPASSWORD")) {
        config.password(password);
    }
    if let (None, Some(database)) = (config.get_dbname(), variable("PGDATABASE")) {
        config.dbname(database);
    }
}

fn host(host: &tokio_postgres::config::Host) -> String {
    match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
    }
}

impl Backend for Postgres {
    fn place(&self, workspace: &Workspace) -> String {
        format!("{} \"{workspace}\"", self.database.place)
    }

    fn open(&self, workspace: &Workspace) -> Result<Arc<dyn Store>, StateError> {
        let (database, name) = (self.database.clone(), workspace.name().to_string());
        let client = self.background.wait(async move {
            let client = database.prepared().await?;
            rows::found(&database, &client, &name).await?;
            Ok(client)
        })?;
        let place = self.place(workspace);
        let (database, context) = (self.database.clone(), self.context.clone());
        let journal = self.journal(workspace);
        let name = workspace.name().to_string();
        Ok(Arc::new(store::start(database, client, name, place, journal, context, &self.background)))
    }

    fn read(&self, workspace: &Workspace) -> Result<Option<Snapshot>, StateError> {
        if leftover::is_there(&self.journal(workspace), &self.context.around) {
            self.context.send(&*self.open(workspace)?)?;
        }
        let (database, name) = (self.database.clone(), workspace.name().to_string());
        self.background.wait(async move {
            let client = database.prepared().await?;
            rows::snapshot(&database, &client, &name).await
        })
    }

    fn workspaces(&self) -> Result<Vec<Workspace>, StateError> {
        let database = self.database.clone();
        let mut found = self.background.wait(async move {
            let client = database.prepared().await?;
            rows::workspaces(&database, &client).await
        })?;
        found.push(Workspace::default());
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn create(&self, workspace: &Workspace) -> Result<(), StateError> {
        let (database, name) = (self.database.clone(), workspace.name().to_string());
        self.background.wait(async move {
            let client = database.prepared().await?;
            rows::found(&database, &client, &name).await
        })
    }

    fn delete(&self, workspace: &Workspace) -> Result<(), StateError> {
        if workspace.is_default() {
            return Err(StateError::DefaultWorkspace);
        }
        let (database, name) = (self.database.clone(), workspace.name().to_string());
        self.background.wait(async move {
            let client = database.prepared().await?;
            rows::delete(&database, &client, &name).await
        })
    }
}
