use super::*;
use crate::sqlite::SqliteStore;
use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const GOOD: &str = "correct horse battery staple";

/// A keychain in memory.
#[derive(Default)]
struct Fake(Mutex<BTreeMap<String, Vec<u8>>>);

impl Keychain for Fake {
    fn set(&self, name: &str, secret: &[u8; 32]) -> Result<(), VaultError> {
        self.0.lock().unwrap().insert(name.to_owned(), secret.to_vec());
        Ok(())
    }
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Ok(self.0.lock().unwrap().get(name).cloned().map(Zeroizing::new))
    }
}

/// A machine without one.
struct Nowhere;

impl Keychain for Nowhere {
    fn set(&self, _: &str, _: &[u8; 32]) -> Result<(), VaultError> {
        Err(VaultError::NoKeychain("none here".to_owned()))
    }
    fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        Err(VaultError::NoKeychain("none here".to_owned()))
    }
}

fn files(dir: &TempDir) -> Vec<String> {
    fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn ready(state: State) -> StoreKey {
    match state {
        State::Ready(key) => key,
        other => panic!("not ready: {other:?}"),
    }
}

#[test]
fn a_passphrase_opens_and_nothing_else_does() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(Vault::open(dir.path()), Ok(State::Empty)));
    let key = Vault::create(dir.path(), Protection::Passphrase(GOOD)).unwrap();
    assert_eq!(files(&dir), ["vault.sealed"]);
    assert!(matches!(Vault::open(dir.path()), Ok(State::Locked)));
    assert_eq!(Vault::kept(dir.path()).unwrap(), Some(Kept::Passphrase));
    assert!(Vault::unlock(dir.path(), GOOD).unwrap() == key);
    for wrong in ["", "correct horse battery stapl", "Correct horse battery staple"] {
        assert!(matches!(Vault::unlock(dir.path(), wrong), Err(VaultError::WrongPassphrase)), "{wrong}");
    }
    let file = fs::read(dir.path().join(SEALED)).unwrap();
    assert!(!file.windows(32).any(|window| window == key.expose()));
}

#[test]
fn a_passphrase_is_the_same_however_its_accents_are_typed() {
    let dir = TempDir::new().unwrap();
    let key = Vault::create(dir.path(), Protection::Passphrase("cr\u{e8}me br\u{fb}l\u{e9}e")).unwrap();
    assert!(Vault::unlock(dir.path(), "cre\u{300}me bru\u{302}le\u{301}e").unwrap() == key);
}

#[test]
fn a_passphrase_has_a_least_and_a_most() {
    let dir = TempDir::new().unwrap();
    let made = Vault::create(dir.path(), Protection::Passphrase("1234567"));
    assert!(matches!(made, Err(VaultError::PassphraseTooShort)));
    let made = Vault::create(dir.path(), Protection::Passphrase("\u{e9}\u{e9}\u{e9}\u{e9}"));
    assert!(matches!(made, Err(VaultError::PassphraseTooShort)), "characters, not bytes");
    let made = Vault::create(dir.path(), Protection::Passphrase(&"p".repeat(PASSPHRASE_BYTES + 1)));
    assert!(matches!(made, Err(VaultError::PassphraseTooLong)));
    assert!(matches!(Vault::open(dir.path()), Ok(State::Empty)), "nothing was made");
    Vault::create(dir.path(), Protection::Passphrase("12345678")).unwrap();
}

#[test]
fn a_damaged_or_newer_sealed_file_is_told_apart() {
    let dir = TempDir::new().unwrap();
    Vault::create(dir.path(), Protection::Passphrase(GOOD)).unwrap();
    let path = dir.path().join(SEALED);
    let good = fs::read(&path).unwrap();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bad = good.clone();
        change(&mut bad);
        fs::write(&path, bad).unwrap();
        Vault::unlock(dir.path(), GOOD).unwrap_err()
    };
    assert!(matches!(with(&|file| file.truncate(50)), VaultError::Damaged(_)));
    assert!(matches!(with(&|file| file.clear()), VaultError::Damaged(_)));
    assert!(matches!(with(&|file| file.resize(5000, 0)), VaultError::Damaged(_)));
    assert!(matches!(with(&|file| file[0] ^= 1), VaultError::Damaged(_)));
    assert!(matches!(with(&|file| file[7] = b'2'), VaultError::TooNew(_)));
    // A file that asks for 4 TiB of memory, or for none.
    assert!(matches!(with(&|file| file[8..12].fill(0xff)), VaultError::Damaged(_)));
    assert!(matches!(with(&|file| file[8..20].fill(0)), VaultError::Damaged(_)));
    // Salt, nonce or key: not to be told from a wrong passphrase.
    for place in [20, 40, 70, 100] {
        assert!(matches!(with(&|file| file[place] ^= 1), VaultError::WrongPassphrase));
    }
    fs::write(&path, &good).unwrap();
    Vault::unlock(dir.path(), GOOD).unwrap();
}

#[test]
fn an_unprotected_key_is_named_so_and_for_the_owner_alone() {
    let dir = TempDir::new().unwrap();
    let key = Vault::create(dir.path(), Protection::Unprotected).unwrap();
    assert_eq!(files(&dir), ["UNPROTECTED.key"]);
    assert!(ready(Vault::open(dir.path()).unwrap()) == key);
    assert_eq!(Vault::kept(dir.path()).unwrap(), Some(Kept::Unprotected));
    assert!(matches!(Vault::unlock(dir.path(), GOOD), Err(VaultError::NotByPassphrase)));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(unprotected_key_file(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    fs::write(unprotected_key_file(dir.path()), "not hex").unwrap();
    assert!(matches!(Vault::open(dir.path()), Err(VaultError::Damaged("UNPROTECTED.key"))));
}

#[test]
fn a_keychain_keeps_the_key_and_the_directory_only_its_name() {
    let dir = TempDir::new().unwrap();
    let system = Fake::default();
    let key = create_with(dir.path(), Protection::Keychain, &system).unwrap();
    assert_eq!(files(&dir), ["vault.keychain"]);
    assert!(ready(open_with(dir.path(), &system).unwrap()) == key);
    let marker = fs::read_to_string(dir.path().join(KEYCHAIN)).unwrap();
    assert!(!marker.contains(&HEXLOWER.encode(key.expose())));
    let other = Fake::default();
    assert!(matches!(open_with(dir.path(), &other), Err(VaultError::KeyGone)), "another machine's keychain");
    for secret in system.0.lock().unwrap().values_mut() {
        secret[0] ^= 1;
    }
    assert!(matches!(open_with(dir.path(), &system), Err(VaultError::KeyGone)), "another secret under our name");
    assert!(matches!(open_with(dir.path(), &Nowhere), Err(VaultError::NoKeychain(_))));
    for (bad, newer) in [("", false), ("natter keychain v1\n", false), ("natter keychain v2\nx", true)] {
        fs::write(dir.path().join(KEYCHAIN), bad).unwrap();
        match open_with(dir.path(), &system) {
            Err(VaultError::TooNew(_)) => assert!(newer),
            Err(VaultError::Damaged(_)) => assert!(!newer),
            other => panic!("{bad:?}: {other:?}"),
        }
    }
}

#[test]
fn where_no_keychain_answers_nothing_is_made_in_its_stead() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(create_with(dir.path(), Protection::Keychain, &Nowhere), Err(VaultError::NoKeychain(_))));
    assert_eq!(files(&dir), [""; 0]);
}

#[test]
fn a_key_is_made_once() {
    let dir = TempDir::new().unwrap();
    let key = Vault::create(dir.path(), Protection::Unprotected).unwrap();
    for protection in [Protection::Passphrase(GOOD), Protection::Unprotected, Protection::Keychain] {
        assert!(matches!(create_with(dir.path(), protection, &Fake::default()), Err(VaultError::AlreadyCreated)));
    }
    assert!(ready(Vault::open(dir.path()).unwrap()) == key);
}

#[test]
fn a_database_without_its_key_is_not_a_new_profile() {
    let dir = TempDir::new().unwrap();
    let key = Vault::create(dir.path(), Protection::Unprotected).unwrap();
    drop(SqliteStore::open(dir.path(), &key).unwrap());
    fs::remove_file(unprotected_key_file(dir.path())).unwrap();
    assert!(matches!(Vault::open(dir.path()), Err(VaultError::KeyGone)));
    assert!(matches!(Vault::create(dir.path(), Protection::Unprotected), Err(VaultError::KeyGone)));
}

// ---------------------------------------------------------------- the real keychain client

const CHILD: &str = "NATTER_TEST_KEYCHAIN_DIR";

/// Run in a child process by the two tests below, whose environment names the bus; without it there is nothing to do.
#[test]
fn child_asks_the_keychain() {
    let Some(dir) = std::env::var_os(CHILD) else { return };
    let asked = Instant::now();
    let made = Vault::create(Path::new(&dir), Protection::Keychain);
    println!("answer after {} ms: {made:?}", asked.elapsed().as_millis());
    assert!(matches!(made, Err(VaultError::NoKeychain(_))));
    assert!(asked.elapsed() < Duration::from_millis(3500));
}

#[cfg(target_os = "linux")]
fn child_with_bus(address: &str) {
    let dir = TempDir::new().unwrap();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "vault::tests::child_asks_the_keychain", "--nocapture"])
        .env(CHILD, dir.path())
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("NoKeychain"), "{said}");
    assert_eq!(files(&dir), [""; 0]);
}

#[test]
#[cfg(target_os = "linux")]
fn without_a_session_bus_there_is_no_keychain_at_once() {
    child_with_bus("unix:path=/nonexistent/bus");
}

#[test]
#[cfg(target_os = "linux")]
fn a_bus_that_never_answers_is_given_up_on() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("bus");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    child_with_bus(&format!("unix:path={}", path.display()));
}
