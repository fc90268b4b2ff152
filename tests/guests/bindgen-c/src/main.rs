//! Writes wit-bindgen's C bindings of the world `observer` into a folder: `bindgen-c WIT OUT`.

use std::error::Error;
use std::path::PathBuf;

use wit_bindgen_c::Opts;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

fn main() -> Result<(), Box<dyn Error>> {
    let mut folders = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wit), Some(out), None) = (folders.next(), folders.next(), folders.next()) else {
        return Err("usage: bindgen-c WIT OUT".into());
    };
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let world = resolve.select_world(&[package], Some("observer"))?;
    let mut files = Files::default();
    let mut generator = Opts::default().build();
    generator.generate(&mut resolve, world, &mut files)?;
    for (name, contents) in files.iter() {
        std::fs::write(out.join(name), contents)?;
    }
    Ok(())
}
