//! Builds one function's image and says where it is: `build_function NAME [COMPOSE_FILE]`, state in `$VSWARM_U_HOME`.

use std::path::{Path, PathBuf};

use guest::functions::{Catalogue, Workshop, build};
use guest::progress::Progress;

struct Lines;

impl Progress for Lines {
    fn start(&self, what: &str, total_bytes: Option<u64>) {
        eprintln!(
            "{what} {}",
            total_bytes.map_or(String::new(), |bytes| format!("({bytes} bytes)"))
        );
    }
    fn advance(&self, _bytes: u64) {}
    fn finish(&self) {}
    fn note(&self, line: &str) {
        eprintln!("{line}");
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let name = args.next().ok_or("usage: build_function NAME [COMPOSE_FILE]")?;
    let home: PathBuf = std::env::var_os("VSWARM_U_HOME").ok_or("set VSWARM_U_HOME")?.into();
    let catalogue = Catalogue::load(args.next().as_deref().map(Path::new))?;
    let workshop = Workshop::new(&home, None, &Lines)?;
    let image = build(&workshop, &catalogue, catalogue.get(&name)?)?;
    println!("{} {}\n{}", image.reference, image.manifest_digest, image.folder.display());
    for layer in &image.layers {
        println!("{:>10} bytes  {}  {}", layer.size, layer.digest, layer.title);
    }
    Ok(())
}
