//! The system's keychain: Keychain Services, the Credential Manager, or a Secret Service on the session bus
//! (<https://specifications.freedesktop.org/secret-service/>). Its client blocks for as long as the other side
//! likes, so it runs on a thread that is left behind when the time is up.

use super::VaultError;
use keyring::{Entry, Error};
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long a keychain may take to answer at all.
const ANSWER: Duration = Duration::from_secs(3);
/// How long a person may take to unlock it.
const PERSON: Duration = Duration::from_secs(120);
const SERVICE: &str = "natter";

/// Somewhere that keeps secrets by name.
pub(super) trait Keychain {
    fn set(&self, name: &str, secret: &[u8; 32]) -> Result<(), VaultError>;
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
}

/// The one of this machine.
pub(super) struct System;

impl Keychain for System {
    fn set(&self, name: &str, secret: &[u8; 32]) -> Result<(), VaultError> {
        let secret = Zeroizing::new(*secret);
        ask(name, move |entry| entry.set_secret(&secret[..])).and_then(|set| set.map_err(no_keychain))
    }

    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        match ask(name, |entry| entry.get_secret())? {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(no_keychain(error)),
        }
    }
}

fn ask<T: Send + 'static>(
    name: &str,
    question: impl FnOnce(&Entry) -> keyring::Result<T> + Send + 'static,
) -> Result<keyring::Result<T>, VaultError> {
    within(ANSWER, || Entry::store_status().as_ref().map_err(ToString::to_string).copied())?
        .map_err(VaultError::NoKeychain)?;
    let name = name.to_owned();
    within(PERSON, move || Entry::new(SERVICE, &name).and_then(|entry| question(&entry)))
}

fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Result<T, VaultError> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().name("natter-keychain".to_owned()).spawn(move || {
        // Nobody listens any more when the time was up.
        let _ = sender.send(work());
    })?;
    receiver.recv_timeout(limit).map_err(|_| VaultError::NoKeychain("it does not answer".to_owned()))
}

fn no_keychain(error: Error) -> VaultError {
    VaultError::NoKeychain(error.to_string())
}
