//! Does with Microsoft's client of the state store what it is told: a command as JSON per line of standard input, an
//! answer as JSON per line of standard output. Commands run side by side; keys, values and holders are base64. README.md.

mod load;

use std::{cell::RefCell, collections::HashMap, error::Error, rc::Rc, sync::Arc, time::Duration};

use azure_iot_operations_mqtt::{
    aio::connection_settings::MqttConnectionSettingsBuilder,
    session::{Session, SessionOptionsBuilder},
};
use azure_iot_operations_protocol::{
    application::ApplicationContextBuilder, common::hybrid_logical_clock::HybridLogicalClock,
};
use azure_iot_operations_services::{
    leased_lock::{self, lease, lock},
    state_store::{self, KeyObservation, Operation, SetCondition, SetOptions},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use load::{Load, Request};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, stdin},
    task::{LocalSet, spawn_local},
};

type Answer = Result<Value, Failure>;

/// The name of the crate's error and its text.
struct Failure {
    kind: String,
    message: String,
}

impl Failure {
    fn of_command(message: impl Into<String>) -> Self {
        Self {
            kind: "Command".into(),
            message: message.into(),
        }
    }
}

impl From<state_store::Error> for Failure {
    fn from(error: state_store::Error) -> Self {
        Self {
            kind: name_of(error.kind()),
            message: error.to_string(),
        }
    }
}

impl From<leased_lock::Error> for Failure {
    fn from(error: leased_lock::Error) -> Self {
        Self {
            kind: name_of(error.kind()),
            message: error.to_string(),
        }
    }
}

/// The innermost variant of a chain of enums, such as `FencingTokenLowerVersion` of `ServiceError(FencingTokenLowerVersion)`.
fn name_of(kind: &impl std::fmt::Debug) -> String {
    let text = format!("{kind:?}");
    let inner = text.strip_prefix("ServiceError(").unwrap_or(&text);
    inner.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// One line of standard input.
struct Command(Value);

impl Command {
    fn text(&self, name: &str) -> Result<&str, Failure> {
        self.0[name]
            .as_str()
            .ok_or_else(|| Failure::of_command(format!("{name} is missing")))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Failure> {
        BASE64
            .decode(self.text(name)?)
            .map_err(|error| Failure::of_command(format!("{name}: {error}")))
    }

    fn duration(&self, name: &str) -> Option<Duration> {
        self.0[name].as_u64().map(Duration::from_millis)
    }

    fn timeout(&self) -> Duration {
        self.duration("timeout").unwrap_or(Duration::from_secs(10))
    }

    fn fencing_token(&self) -> Result<Option<HybridLogicalClock>, Failure> {
        match self.0["fencingToken"].as_str() {
            None => Ok(None),
            Some(text) => text
                .parse()
                .map(Some)
                .map_err(|error| Failure::of_command(format!("fencingToken: {error}"))),
        }
    }

    fn number(&self, name: &str) -> Result<usize, Failure> {
        self.0[name]
            .as_u64()
            .and_then(|number| number.try_into().ok())
            .ok_or_else(|| Failure::of_command(format!("{name} is missing")))
    }

    fn load(&self) -> Result<Load, Failure> {
        Ok(Load {
            request: match self.text("operation")? {
                "SET" => Request::Set,
                "GET" => Request::Get,
                other => return Err(Failure::of_command(format!("operation {other}"))),
            },
            size: self.number("size")?,
            in_flight: self.number("inFlight")?,
            time: self.duration("ms").unwrap_or_default(),
        })
    }

    fn lease_time(&self) -> Result<Duration, Failure> {
        self.duration("lease")
            .ok_or_else(|| Failure::of_command("lease is missing"))
    }
}

/// The store, and a lease and a lock for each pair of lock and holder: the crate keeps renewal and token in the instance.
struct Program {
    store: Arc<state_store::Client>,
    leases: RefCell<HashMap<(Vec<u8>, Vec<u8>), lease::Client>>,
    locks: RefCell<HashMap<(Vec<u8>, Vec<u8>), lock::Client>>,
}

impl Program {
    async fn run(&self, command: &Command) -> Answer {
        let timeout = command.timeout();
        match command.text("do")? {
            "set" => {
                let options = SetOptions {
                    set_condition: match command.0["condition"].as_str() {
                        Some("NX") => SetCondition::OnlyIfDoesNotExist,
                        Some("NEX") => SetCondition::OnlyIfEqualOrDoesNotExist,
                        None => SetCondition::Unconditional,
                        Some(other) => return Err(Failure::of_command(format!("condition {other}"))),
                    },
                    expires: command.duration("expiry"),
                    ..SetOptions::default()
                };
                let (key, value) = (command.bytes("key")?, command.bytes("value")?);
                let done = self
                    .store
                    .set(key, value, timeout, command.fencing_token()?, options)
                    .await?;
                Ok(json!({ "stored": done.response, "version": text_of(done.version.as_ref()) }))
            }
            "get" => {
                let done = self.store.get(command.bytes("key")?, timeout).await?;
                let value = done.response.map(|value| BASE64.encode(value));
                Ok(json!({ "value": value, "version": text_of(done.version.as_ref()) }))
            }
            "delete" => {
                let done = self
                    .store
                    .del(command.bytes("key")?, command.fencing_token()?, timeout)
                    .await?;
                Ok(json!({ "deleted": done.response, "version": text_of(done.version.as_ref()) }))
            }
            "deleteIfValue" => {
                let (key, value) = (command.bytes("key")?, command.bytes("value")?);
                let done = self
                    .store
                    .vdel(key, value, command.fencing_token()?, timeout)
                    .await?;
                Ok(json!({ "deleted": done.response, "version": text_of(done.version.as_ref()) }))
            }
            "observe" => {
                let done = self.store.observe(command.bytes("key")?, timeout).await?;
                spawn_local(print_changes(done.response));
                Ok(json!({}))
            }
            "unobserve" => {
                let done = self.store.unobserve(command.bytes("key")?, timeout).await?;
                Ok(json!({ "observed": done.response }))
            }
            "lease.acquire" => {
                let (lease_time, renewal) = (command.lease_time()?, command.duration("renewal"));
                let token = self.lease(command)?.acquire(lease_time, timeout, renewal).await?;
                Ok(json!({ "token": token.to_string() }))
            }
            "lease.release" => {
                self.lease(command)?.release(timeout).await?;
                Ok(json!({}))
            }
            "lease.token" => {
                Ok(json!({ "token": text_of(self.lease(command)?.current_lease_fencing_token().as_ref()) }))
            }
            "lease.holder" => {
                let holder = self.lease(command)?.get_holder(timeout).await?;
                Ok(json!({ "holder": holder.map(|holder| BASE64.encode(holder)) }))
            }
            "lock.acquire" => {
                let (lease_time, renewal) = (command.lease_time()?, command.duration("renewal"));
                let token = self.lock(command)?.lock(lease_time, timeout, renewal).await?;
                Ok(json!({ "token": token.to_string() }))
            }
            "lock.release" => {
                self.lock(command)?.unlock(timeout).await?;
                Ok(json!({}))
            }
            "lock.token" => {
                Ok(json!({ "token": text_of(self.lock(command)?.current_lock_fencing_token().as_ref()) }))
            }
            "load" => Ok(command.load()?.run(&self.store).await?),
            other => Err(Failure::of_command(format!("unknown: {other}"))),
        }
    }

    fn lease(&self, command: &Command) -> Result<lease::Client, Failure> {
        let (lock, holder) = (command.bytes("lock")?, command.bytes("holder")?);
        let mut leases = self.leases.borrow_mut();
        if let Some(found) = leases.get(&(lock.clone(), holder.clone())) {
            return Ok(found.clone());
        }
        let made = lease::Client::new(self.store.clone(), lock.clone(), holder.clone())?;
        leases.insert((lock, holder), made.clone());
        Ok(made)
    }

    fn lock(&self, command: &Command) -> Result<lock::Client, Failure> {
        let (lock, holder) = (command.bytes("lock")?, command.bytes("holder")?);
        let mut locks = self.locks.borrow_mut();
        if let Some(found) = locks.get(&(lock.clone(), holder.clone())) {
            return Ok(found.clone());
        }
        let made = lock::Client::new(self.store.clone(), lock.clone(), holder.clone())?;
        locks.insert((lock, holder), made.clone());
        Ok(made)
    }
}

fn text_of(clock: Option<&HybridLogicalClock>) -> Option<String> {
    clock.map(ToString::to_string)
}

/// Ends when the key is no longer observed, or the connection is lost.
async fn print_changes(mut observation: KeyObservation) {
    while let Some((change, _)) = observation.recv_notification().await {
        let (operation, value) = match change.operation {
            Operation::Set(value) => ("set", Some(BASE64.encode(value))),
            Operation::Del => ("delete", None),
        };
        println!(
            "{}",
            json!({
                "event": "change",
                "key": BASE64.encode(change.key),
                "operation": operation,
                "value": value,
                "version": change.version.to_string(),
            })
        );
    }
    println!(
        "{}",
        json!({ "event": "unobserved", "key": BASE64.encode(observation.key) })
    );
}

/// Until the end of standard input.
async fn obey(program: Rc<Program>) -> Result<(), Box<dyn Error>> {
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let command = Command(serde_json::from_str(&line)?);
        let program = program.clone();
        spawn_local(async move {
            let id = &command.0["id"];
            println!(
                "{}",
                match program.run(&command).await {
                    Ok(result) => json!({ "id": id, "result": result }),
                    Err(Failure { kind, message }) =>
                        json!({ "id": id, "error": { "kind": kind, "message": message } }),
                }
            );
        });
    }
    Ok(())
}

async fn run(host: &str, port: u16, client_id: &str) -> Result<(), Box<dyn Error>> {
    let settings = MqttConnectionSettingsBuilder::default()
        .hostname(host)
        .tcp_port(port)
        .client_id(client_id)
        .use_tls(false)
        .build()?;
    let session = Session::new(
        SessionOptionsBuilder::default()
            .connection_settings(settings)
            .build()?,
    )?;
    let (exit, monitor) = (session.create_exit_handle(), session.create_session_monitor());
    let store = state_store::Client::new(
        ApplicationContextBuilder::default().build()?,
        session.create_managed_client(),
        session.create_session_monitor(),
        state_store::ClientOptionsBuilder::default().build()?,
    )?;
    let program = Rc::new(Program {
        store: Arc::new(store),
        leases: RefCell::default(),
        locks: RefCell::default(),
    });
    let work = async {
        monitor.connected().await;
        println!("{}", json!({ "event": "connected" }));
        obey(program.clone()).await?;
        program.store.shutdown().await?;
        exit.try_exit()?;
        Ok::<(), Box<dyn Error>>(())
    };
    // A session that ended for good, as after a broker lost it, ends the program.
    let session = async { Ok(session.run().await?) };
    tokio::try_join!(work, session)?;
    Ok(())
}

async fn start() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, client_id] = arguments.as_slice() else {
        return Err("usage: statestore-interop <host> <port> <client ID>".into());
    };
    LocalSet::new()
        .run_until(run(host, port.parse()?, client_id))
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let code = match start().await {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("{error}");
            1
        }
    };
    // A return would wait for the thread that reads standard input.
    std::process::exit(code);
}
