//! Promises that other threads settle, and work that they ask the JavaScript thread for, through one threadsafe function for each
//! environment.
//!
//! The usual way makes such a function for each promise, with a handle of the event loop, a cleanup hook and a resource for async hooks.
//! For small operations, such as reads of 64 KiB, that took longer than the work.

#![allow(unsafe_code, reason = "Node-API is a C interface")]

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Error, Result, Status, sys};
use std::collections::VecDeque;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::{mem, ptr};

/// Settles the promises of one environment.
pub(crate) struct Promises {
    /// Calls [`settle_all`] on the JavaScript thread.
    wake: Handle<sys::napi_threadsafe_function>,
    /// Number of unsettled promises, counted on the JavaScript thread. While there are any, the event loop stays alive.
    pending: AtomicUsize,
    settled: Mutex<Vec<Settlement>>,
    visits: Mutex<VecDeque<Arc<dyn Visit>>>,
}

/// Settles one promise, on the JavaScript thread.
type Settlement = Box<dyn FnOnce(Env) + Send>;

/// A short piece of work for the JavaScript thread.
pub(crate) trait Visit: Send + Sync {
    /// Called on the JavaScript thread, inside a call of the environment's.
    fn run(&self);
}

/// A handle of Node-API that threads pass on.
struct Handle<T>(T);

// SAFETY: any thread may call a threadsafe function, and see `settle` for how long it lives. Only the JavaScript thread uses other handles.
unsafe impl<T> Send for Handle<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Handle<T> {}

/// An unsettled promise. It must be settled.
pub(crate) struct Deferred {
    promise: Handle<sys::napi_deferred>,
    promises: Arc<Promises>,
}

impl Promises {
    /// Must be called on the JavaScript thread, once for an environment.
    pub(crate) fn new(env: &Env) -> Result<Arc<Self>> {
        let name = env.create_string("sealstream")?;
        let mut wake = ptr::null_mut();
        let promises = Arc::new_cyclic(|weak: &Weak<Self>| {
            let context = Box::into_raw(Box::new(weak.clone()));
            // SAFETY: the environment is the current one. `context` lives until `forget` is called, which is the last call.
            let status = unsafe {
                sys::napi_create_threadsafe_function(
                    env.raw(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                    napi::JsValue::raw(&name),
                    0,
                    1,
                    context.cast(),
                    Some(forget),
                    context.cast(),
                    Some(settle_all),
                    &mut wake,
                )
            };
            if status != sys::Status::napi_ok {
                // SAFETY: Node-API did not take it.
                drop(unsafe { Box::from_raw(context) });
                wake = ptr::null_mut();
            }
            Self {
                wake: Handle(wake),
                pending: AtomicUsize::new(0),
                settled: Mutex::default(),
                visits: Mutex::default(),
            }
        });
        if promises.wake.0.is_null() {
            return Err(Error::new(
                Status::GenericFailure,
                "could not create the function that settles promises",
            ));
        }
        // SAFETY: this environment just made it.
        unsafe { sys::napi_unref_threadsafe_function(env.raw(), promises.wake.0) };
        Ok(promises)
    }

    /// A new promise. Must be called on the JavaScript thread.
    pub(crate) fn create<'env>(self: &Arc<Self>, env: &'env Env) -> Result<(Deferred, Object<'env>)> {
        let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: both are written to if it succeeds.
        let status = unsafe { sys::napi_create_promise(env.raw(), &mut deferred, &mut promise) };
        if status != sys::Status::napi_ok {
            return Err(Error::new(Status::from(status), "could not create a promise"));
        }
        if self.pending.fetch_add(1, Ordering::Relaxed) == 0 {
            // SAFETY: the environment has not been cleaned up: it runs this.
            unsafe { sys::napi_ref_threadsafe_function(env.raw(), self.wake.0) };
        }
        let deferred = Deferred {
            promise: Handle(deferred),
            promises: Arc::clone(self),
        };
        Ok((deferred, Object::from_raw(env.raw(), promise)))
    }

    /// Has the JavaScript thread do a piece of work soon. It may do so never, if the environment is ending: whoever waits must look at the
    /// token of its operation, which is running.
    pub(crate) fn visit(&self, visit: Arc<dyn Visit>) {
        self.lock_visits().push_back(visit);
        self.call();
    }

    /// Calls [`settle_all`] on the JavaScript thread. The environment must not have ended.
    fn call(&self) {
        let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
        // SAFETY: the environment has not ended, so `close` was not called.
        unsafe { sys::napi_call_threadsafe_function(self.wake.0, ptr::null_mut(), mode) };
    }

    /// Does one piece of work. There is a call for each, so that other tasks of the JavaScript thread come in between.
    fn run_visit(&self) {
        let next = self.lock_visits().pop_front();
        if let Some(visit) = next {
            visit.run();
        }
    }

    fn lock_visits(&self) -> MutexGuard<'_, VecDeque<Arc<dyn Visit>>> {
        self.visits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Drops the settlements that are left, and the threadsafe function. Must be called on the JavaScript thread when the environment
    /// ends and no operation is left.
    pub(crate) fn close(&self) {
        let left = mem::take(&mut *self.lock());
        drop(left);
        let visits = mem::take(&mut *self.lock_visits());
        drop(visits);
        // SAFETY: the environment closes the function after this, and nothing calls it from now on.
        unsafe {
            sys::napi_release_threadsafe_function(self.wake.0, sys::ThreadsafeFunctionReleaseMode::abort)
        };
    }

    /// Settles the waiting promises, on the JavaScript thread.
    fn settle_all(&self, env: Env) {
        let settled = mem::take(&mut *self.lock());
        let count = settled.len();
        for settle in settled {
            settle(env);
        }
        if count > 0 && self.pending.fetch_sub(count, Ordering::Relaxed) == count {
            // SAFETY: the environment has not been cleaned up: it runs this.
            unsafe { sys::napi_unref_threadsafe_function(env.raw(), self.wake.0) };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Settlement>> {
        self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deferred {
    /// Settles the promise with the result of `resolve`, which is called on the JavaScript thread. The environment must not end before
    /// this returns.
    pub(crate) fn settle<T: ToNapiValue>(self, resolve: impl FnOnce(Env) -> Result<T> + Send + 'static) {
        let Self { promise, promises } = self;
        let settle = move |env: Env| {
            // Captures all of it, which is `Send`, rather than its field.
            let promise = promise;
            conclude(env, promise.0, resolve(env));
        };
        let mut settled = promises.lock();
        settled.push(Box::new(settle));
        let is_first = settled.len() == 1;
        drop(settled);
        if is_first {
            promises.call();
        }
    }
}

fn conclude<T: ToNapiValue>(env: Env, promise: sys::napi_deferred, result: Result<T>) {
    let env = env.raw();
    // SAFETY: this is the JavaScript thread, inside a call of the environment's, and the promise is settled once.
    unsafe {
        match result.and_then(|value| T::to_napi_value(env, value)) {
            Ok(value) => sys::napi_resolve_deferred(env, promise, value),
            Err(error) => match Error::to_napi_value(env, error) {
                Ok(reason) => sys::napi_reject_deferred(env, promise, reason),
                // The environment is ending.
                Err(_) => sys::Status::napi_generic_failure,
            },
        }
    };
}

/// Called on the JavaScript thread after a call of the threadsafe function; without an environment if that has ended.
unsafe extern "C" fn settle_all(
    env: sys::napi_env,
    _callback: sys::napi_value,
    context: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() {
        return;
    }
    // SAFETY: `forget` is the last call.
    let promises = unsafe { &*context.cast::<Weak<Promises>>() };
    if let Some(promises) = promises.upgrade() {
        promises.settle_all(Env::from_raw(env));
        promises.run_visit();
    }
}

/// Called after the threadsafe function was released.
unsafe extern "C" fn forget(_env: sys::napi_env, context: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `new` made it so, and this is called once.
    drop(unsafe { Box::from_raw(context.cast::<Weak<Promises>>()) });
}
