//! Conversion of the engine's values into JavaScript's, and the macros that declare a JavaScript type beside its source.

use crate::memory::{CopiedBytes, NewBuffer};
use sealstream::format::{FrameIndex, SegmentIndex, SlotType, WireOffset};
use std::time::Duration;

/// Converts into the type that JavaScript sees.
pub(crate) trait IntoJs<T> {
    fn into_js(self) -> T;
}

/// Declares an object that JavaScript receives, and its conversion from a type of the engine. A field has the engine's name and
/// value unless an expression follows it.
macro_rules! object {
    (
        $(#[$($doc:tt)*])*
        $name:ident from $source:ident: $from:ty {
            $($(#[$($attribute:tt)*])* $field:ident: $ty:ident $(<$a:ident $(, $b:ident)?>)? $(= $value:expr)?,)*
        }
    ) => {
        $(#[$($doc)*])*
        #[::napi_derive::napi(object, object_from_js = false)]
        pub struct $name {
            $($(#[$($attribute)*])* pub $field: $ty $(<$a $(, $b)?>)?,)*
        }

        impl From<$from> for $name {
            fn from($source: $from) -> Self {
                Self {
                    $($field: $crate::types::convert::IntoJs::into_js(object!(@value $source.$field $(, $value)?)),)*
                }
            }
        }

        impl $crate::types::convert::IntoJs<$name> for $from {
            fn into_js(self) -> $name {
                self.into()
            }
        }
    };
    (@value $source:ident.$field:ident) => { $source.$field };
    (@value $source:ident.$field:ident, $value:expr) => { $value };
}

/// Declares a union of strings, and its conversions from and into an enum of the engine with the same variants, or only into one with
/// further variants.
macro_rules! names {
    ($(#[$($doc:tt)*])* $name:ident from $engine:ty { $($body:tt)* }) => {
        names! { $(#[$($doc)*])* $name into $engine { $($body)* } }
        names! { @from $name $engine { $($body)* } }
    };
    ($(#[$($doc:tt)*])* $name:ident into $engine:ty { $($body:tt)* }) => {
        names! { @declare $(#[$($doc)*])* $name { $($body)* } }
        names! { @into $name $engine { $($body)* } }
    };
    (
        @declare $(#[$($doc:tt)*])* $name:ident {
            $($(#[$($attribute:tt)*])* $variant:ident = $value:tt,)*
        }
    ) => {
        $(#[$($doc)*])*
        #[::napi_derive::napi(string_enum)]
        #[derive(Clone, Copy)]
        pub enum $name {
            $($(#[$($attribute)*])* #[napi(value = $value)] $variant,)*
        }
    };
    (@from $name:ident $engine:ty { $($(#[$($attribute:tt)*])* $variant:ident = $value:tt,)* }) => {
        impl $crate::types::convert::IntoJs<$name> for $engine {
            fn into_js(self) -> $name {
                type Engine = $engine;
                match self { $(Engine::$variant => $name::$variant,)* }
            }
        }
    };
    (@into $name:ident $engine:ty { $($(#[$($attribute:tt)*])* $variant:ident = $value:tt,)* }) => {
        impl From<$name> for $engine {
            fn from(name: $name) -> Self {
                match name { $($name::$variant => Self::$variant,)* }
            }
        }
    };
}

pub(crate) use {names, object};

/// The largest number that JavaScript represents exactly, together with all smaller ones: `Number.MAX_SAFE_INTEGER`.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A number for JavaScript. Larger ones, which only a stream's claims can contain, become [`MAX_SAFE_INTEGER`].
fn saturated(number: u64) -> f64 {
    number.min(MAX_SAFE_INTEGER) as f64
}

/// Conversions of single values.
macro_rules! values {
    ($($value:ident: $from:ty => $to:ty = $converted:expr;)*) => {
        $(impl IntoJs<$to> for $from {
            fn into_js(self) -> $to {
                let $value = self;
                $converted
            }
        })*
    };
}

values! {
    value: bool => bool = value;
    number: u16 => u16 = number;
    number: u16 => u32 = number.into();
    number: u32 => u32 = number;
    number: f64 => f64 = number;
    number: u64 => f64 = saturated(number);
    number: usize => f64 = saturated(number as u64);
    number: usize => u32 = u32::try_from(number).unwrap_or(u32::MAX);
    index: SegmentIndex => f64 = saturated(index.get());
    index: FrameIndex => u32 = index.get();
    offset: WireOffset => f64 = saturated(offset.get());
    time: Duration => f64 = time.as_secs_f64() * 1000.0;
    text: String => String = text;
    text: &str => String = text.to_owned();
    name: SlotType => String = name.to_string();
    id: [u8; 32] => String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    bytes: Vec<u8> => CopiedBytes = CopiedBytes(bytes);
    buffer: NewBuffer => NewBuffer = buffer;
}

impl<A: IntoJs<B>, B> IntoJs<Option<B>> for Option<A> {
    fn into_js(self) -> Option<B> {
        self.map(A::into_js)
    }
}

impl<A: IntoJs<B>, B> IntoJs<Vec<B>> for Vec<A> {
    fn into_js(self) -> Vec<B> {
        self.into_iter().map(A::into_js).collect()
    }
}
