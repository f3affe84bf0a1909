//! Links the addon and writes the JavaScript mirrors of the engine's errors.

#[path = "build/mirror.rs"]
mod mirror;
#[path = "build/words.rs"]
mod words;

fn main() {
    napi_build::setup();
    if let Err(error) = mirror::write() {
        println!("cargo::error={error}");
    }
}
