//! How a run ends when it does not end well: one line for a person, one number for a script.

use natter_node::api::{ApiError, Code};
use std::fmt;
use std::process::ExitCode;

/// Why the process ends.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    /// Anything that has no number of its own.
    pub(crate) const OTHER: u8 = 1;
    /// Another program listens on the port.
    pub(crate) const PORT_IN_USE: u8 = 2;
    /// Another Natter uses the profile.
    pub(crate) const DATABASE_LOCKED: u8 = 3;
    /// The database or its key is damaged or gone.
    pub(crate) const DATABASE_DAMAGED: u8 = 4;
    /// A newer Natter wrote it.
    pub(crate) const DATABASE_TOO_NEW: u8 = 5;
    /// No space left.
    pub(crate) const DISK_FULL: u8 = 6;
    /// The passphrase is wrong, too short, or its file cannot be read.
    pub(crate) const PASSPHRASE: u8 = 7;
    /// The arguments cannot be used, URLs among them (EX_USAGE of sysexits.h).
    pub(crate) const USAGE: Usage = Usage;

    pub(crate) fn new(code: u8, sentence: impl fmt::Display) -> Self {
        Self { code, sentence: sentence.to_string() }
    }

    pub(crate) fn usage(sentence: impl fmt::Display) -> Self {
        Self::new(Usage::CODE, sentence)
    }

    /// Says it and gives the number.
    pub(crate) fn report(&self) -> ExitCode {
        // One line, whatever is in it.
        eprintln!("natter-cli: {}", self.sentence.replace(['\n', '\r'], " "));
        ExitCode::from(self.code)
    }
}

/// The exit code of a command line that cannot be used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage;

impl Usage {
    const CODE: u8 = 64;
}

impl From<Usage> for ExitCode {
    fn from(_: Usage) -> Self {
        Self::from(Usage::CODE)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match error.code {
            Code::DatabaseLocked => Self::DATABASE_LOCKED,
            Code::DatabaseDamaged => Self::DATABASE_DAMAGED,
            Code::DatabaseTooNew => Self::DATABASE_TOO_NEW,
            Code::DiskFull => Self::DISK_FULL,
            Code::WrongPassphrase | Code::WeakPassphrase => Self::PASSPHRASE,
            Code::BadBroker | Code::BadName | Code::TooMany | Code::TooLong | Code::Empty | Code::BadRequest => {
                Usage::CODE
            }
            Code::NotSetUp
            | Code::Locked
            | Code::AlreadySetUp
            | Code::NoKeychain
            | Code::NoSuchRoom
            | Code::NoSuchMessage
            | Code::NoSuchInvite
            | Code::NoSuchStaged
            | Code::AlreadyMember
            | Code::NotAMember
            | Code::NotAllowed
            | Code::NobodyWaiting
            | Code::InviteNotNatter
            | Code::InviteCut
            | Code::InviteTooNew
            | Code::InviteExpired
            | Code::InviteUsedUp
            | Code::NotAPicture
            | Code::PictureTooLarge
            | Code::DiskFailed
            | Code::TransferFailed
            | Code::ShuttingDown
            | Code::Internal => Self::OTHER,
        };
        Self::new(code, error.message)
    }
}
