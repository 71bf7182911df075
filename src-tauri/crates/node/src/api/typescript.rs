//! The TypeScript face of the API, written into `ui/backend/api.d.ts` and kept true by a test.

use super::{Command, Event, Request, Response, Snapshot};
use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use ts_rs::{Config, TS, TypeVisitor};

/// Every type that a host meets, as declarations sorted by name.
fn declarations() -> String {
    let mut all = Declarations { config: Config::new(), seen: HashSet::new(), found: BTreeMap::new() };
    all.visit::<Request>();
    all.visit::<Response>();
    all.visit::<Command>();
    all.visit::<Event>();
    all.visit::<Snapshot>();
    let head = "// Generated from src-tauri/crates/node/src/api by `NATTER_REGENERATE=1 cargo test -p natter-node generated`; do not edit.\n";
    std::iter::once(head.to_owned()).chain(all.found.into_values()).collect::<Vec<_>>().join("\n")
}

struct Declarations {
    config: Config,
    seen: HashSet<TypeId>,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // Only derived types have a place to be exported to; strings, numbers and the like have none.
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let declared = T::decl(&self.config);
            let earlier = self.found.insert(T::ident(&self.config), format!("{docs}export {declared}\n"));
            assert_eq!(earlier, None, "two types of one name");
        }
        T::visit_dependencies(self);
    }
}

#[test]
fn generated_types_are_current() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/backend/api.d.ts");
    let wanted = declarations();
    if std::env::var_os("NATTER_REGENERATE").is_some() {
        std::fs::write(&path, &wanted).expect("ui/backend can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "ui/backend/api.d.ts has drifted: run NATTER_REGENERATE=1 cargo test -p natter-node generated"
    );
}
