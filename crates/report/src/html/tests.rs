use super::page::{POLICY, SCRIPT};
use base64::Engine as _;
use sha2::{Digest as _, Sha256};

#[test]
fn the_document_allows_its_own_script_by_its_hash() {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(SCRIPT));
    let script = format!("script-src 'sha256-{hash}'");
    assert!(POLICY.ends_with(&script), "page.rs must say {script}");
}
