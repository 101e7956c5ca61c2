//! Keeps a number of requests in flight for a while, and tells how many were answered, at what cost: bench/measure.ts, in Rust.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use azure_iot_operations_services::state_store::{self, SetOptions};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy)]
pub enum Request {
    Set,
    Get,
}

pub struct Load {
    pub request: Request,
    /// Bytes of the value.
    pub size: usize,
    pub in_flight: usize,
    pub time: Duration,
}

/// What its answers took.
#[derive(Default)]
struct Lane {
    latencies: Vec<Duration>,
    wrong: usize,
}

impl Load {
    /// Call it in a `LocalSet`. CPU time is that of the whole process, in microseconds per operation, latencies are milliseconds.
    pub async fn run(self, store: &Arc<state_store::Client>) -> Result<Value, state_store::Error> {
        let (begin, cpu_before) = (Instant::now(), cpu_time());
        let end = begin + self.time;
        let mut lanes = JoinSet::new();
        for lane in 0..self.in_flight {
            let (store, key) = (store.clone(), format!("bench/{lane}").into_bytes());
            lanes.spawn_local(run_lane(store, self.request, key, vec![b'x'; self.size], end));
        }
        let (mut latencies, mut wrong) = (Vec::new(), 0);
        for lane in lanes.join_all().await {
            let lane = lane?;
            latencies.extend(lane.latencies);
            wrong += lane.wrong;
        }
        let (elapsed, cpu) = (begin.elapsed(), cpu_time() - cpu_before);
        latencies.sort_unstable();
        #[allow(clippy::cast_precision_loss)]
        let count = latencies.len() as f64;
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3;
        Ok(json!({
            "operations": latencies.len(),
            "wrong": wrong,
            "seconds": elapsed.as_secs_f64(),
            "perSecond": count / elapsed.as_secs_f64(),
            "cpu": cpu.as_secs_f64() * 1e6 / count,
            "p50": at(50),
            "p99": at(99),
        }))
    }
}

/// One request after the other until the end.
async fn run_lane(
    store: Arc<state_store::Client>,
    request: Request,
    key: Vec<u8>,
    value: Vec<u8>,
    end: Instant,
) -> Result<Lane, state_store::Error> {
    let mut lane = Lane::default();
    loop {
        let sent = Instant::now();
        let right = match request {
            Request::Set => {
                let set = store.set(key.clone(), value.clone(), TIMEOUT, None, SetOptions::default());
                set.await?.response
            }
            Request::Get => {
                let got = store.get(key.clone(), TIMEOUT).await?.response;
                got.is_some_and(|got| got.len() == value.len())
            }
        };
        lane.latencies.push(sent.elapsed());
        lane.wrong += usize::from(!right);
        if Instant::now() >= end {
            return Ok(lane);
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("every process may ask for its own");
    let microseconds = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(microseconds.unsigned_abs())
}
