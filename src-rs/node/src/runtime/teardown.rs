//! Keeps an environment's memory alive while native threads use it.
//!
//! A reference keeps a `Uint8Array` in place only while its environment lives: when a worker is terminated, V8 frees the memory. So
//! every operation holds a [`Ticket`]. When an environment ends, a cleanup hook cancels its operations and waits for the last ticket.
//!
//! A process that exits runs no such hooks and frees nothing, but unfinished output would stay on the disk. So the façade calls
//! [`stop_all`] then.

use crate::runtime::executor::run_cancelled;
use crate::runtime::promises::Promises;
use napi::{Env, Result, sys};
use napi_derive::napi;
use sealstream::CancellationToken;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

thread_local! {
    /// The environments of this thread, by address. Node has one at a time; Electron has several if frames have their own.
    static ENVIRONMENTS: RefCell<HashMap<sys::napi_env, Arc<Operations>>> = RefCell::default();
}

/// Held by an operation while it may use JavaScript's memory.
pub(crate) struct Ticket {
    operations: Arc<Operations>,
    id: u64,
}

impl Ticket {
    /// Registers an operation that `cancel` stops. Must be called on the JavaScript thread.
    pub(crate) fn take(env: &Env, cancel: CancellationToken) -> Result<Self> {
        let operations = operations_of(env)?;
        let mut running = operations.lock();
        let id = running.next_id;
        running.next_id += 1;
        running.tokens.insert(id, cancel);
        drop(running);
        Ok(Self { operations, id })
    }

    /// Settles this environment's promises.
    pub(crate) fn promises(&self) -> &Arc<Promises> {
        &self.operations.promises
    }
}

/// What reaches the JavaScript thread of this environment. Must be called on that thread.
pub(crate) fn promises_of(env: &Env) -> Result<Arc<Promises>> {
    Ok(Arc::clone(&operations_of(env)?.promises))
}

fn operations_of(env: &Env) -> Result<Arc<Operations>> {
    match known(env) {
        Some(operations) => Ok(operations),
        None => introduce(env),
    }
}

fn known(env: &Env) -> Option<Arc<Operations>> {
    ENVIRONMENTS.with_borrow(|environments| environments.get(&env.raw()).cloned())
}

fn introduce(env: &Env) -> Result<Arc<Operations>> {
    // Before the hook: Node cleans up in the reverse order, so the hook can still use it.
    let operations = Arc::new(Operations {
        running: Mutex::default(),
        idle: Condvar::new(),
        promises: Promises::new(env)?,
    });
    let address = env.raw();
    env.add_env_cleanup_hook(Arc::clone(&operations), move |operations| {
        operations.close();
        // A later environment may have the same address. If the thread's map is gone, there is nothing to remove.
        let _ = ENVIRONMENTS.try_with(|environments| environments.borrow_mut().remove(&address));
    })?;
    ENVIRONMENTS.with_borrow_mut(|environments| environments.insert(address, Arc::clone(&operations)));
    Ok(operations)
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.operations.lock().tokens.remove(&self.id);
        self.operations.idle.notify_all();
    }
}

/// The operations of one environment.
struct Operations {
    running: Mutex<Running>,
    idle: Condvar,
    promises: Arc<Promises>,
}

#[derive(Default)]
struct Running {
    tokens: HashMap<u64, CancellationToken>,
    next_id: u64,
}

/// Cancels all operations of this environment and gives them a moment to remove their unfinished output. For a process that exits:
/// their promises will not settle.
#[napi(catch_unwind)]
pub fn stop_all(env: &Env) {
    let Some(operations) = known(env) else {
        return;
    };
    operations.cancel_all();
    // Limited, because a disk may take long to flush.
    drop(
        operations
            .idle
            .wait_timeout_while(operations.lock(), EXIT_DELAY, |running| {
                !running.tokens.is_empty()
            }),
    );
}

impl Operations {
    fn cancel_all(&self) {
        self.lock().tokens.values().for_each(CancellationToken::cancel);
        // Operations that wait for a thread may wait for operations of other environments.
        run_cancelled();
    }

    fn close(&self) {
        self.cancel_all();
        let idle = self
            .idle
            .wait_while(self.lock(), |running| !running.tokens.is_empty());
        drop(idle.unwrap_or_else(PoisonError::into_inner));
        self.promises.close();
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const EXIT_DELAY: Duration = Duration::from_secs(2);
