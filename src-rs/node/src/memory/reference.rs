//! Keeps a JavaScript object alive.

use napi::{Result, check_status, sys};
use std::ptr;
use std::thread::{self, ThreadId};

/// A reference to an object of one environment. Other threads pass it on; only the JavaScript thread uses and drops it.
pub(super) struct Reference {
    env: sys::napi_env,
    reference: sys::napi_ref,
    /// The JavaScript thread.
    thread: ThreadId,
}

// SAFETY: every use checks that it is on the JavaScript thread.
unsafe impl Send for Reference {}
// SAFETY: as above.
unsafe impl Sync for Reference {}

impl Reference {
    /// Must be called on the JavaScript thread.
    pub(super) fn new(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: the environment runs this, and `value` is one of its objects.
        check_status!(unsafe { sys::napi_create_reference(env, value, 1, &mut reference) })?;
        let thread = thread::current().id();
        Ok(Self {
            env,
            reference,
            thread,
        })
    }

    /// The object, on the JavaScript thread, inside a call of the environment's.
    pub(super) fn get(&self) -> Result<sys::napi_value> {
        if thread::current().id() != self.thread {
            return Err(napi::Error::from_reason(
                "an object was asked for on another thread",
            ));
        }
        let mut value = ptr::null_mut();
        // SAFETY: this is the thread of `env`, which has not ended: operations keep it, and it deletes the other holders of references.
        check_status!(unsafe { sys::napi_get_reference_value(self.env, self.reference, &mut value) })?;
        Ok(value)
    }

    pub(super) const fn env(&self) -> sys::napi_env {
        self.env
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // Elsewhere it would be a use of the environment by two threads. A leak is the lesser evil.
        if thread::current().id() == self.thread {
            // SAFETY: as in `get`, and it is deleted once.
            unsafe { sys::napi_delete_reference(self.env, self.reference) };
        }
    }
}
