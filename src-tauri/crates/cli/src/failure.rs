//! How a run ends when it does not end well: one line for a person, one number for a script.

use natter_broker::BindError;
use natter_node::api::{ApiError, Code};
use std::fmt;
use std::path::Path;
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
    /// The key cannot be had: the passphrase is wrong or too short, its file cannot be read, the keychain is silent.
    pub(crate) const PASSPHRASE: u8 = 7;
    /// The disk failed otherwise: not there, not ours to write to, broken.
    pub(crate) const DISK_FAILED: u8 = 8;
    /// A file is no backup or room of Natter's, damaged, or from a newer one.
    pub(crate) const BAD_FILE: u8 = 9;
    /// There is something where a backup should be restored.
    pub(crate) const NOT_EMPTY: u8 = 10;
    /// The arguments cannot be used, URLs among them (EX_USAGE of sysexits.h).
    pub(crate) const USAGE: Usage = Usage;

    pub(crate) fn new(code: u8, sentence: impl fmt::Display) -> Self {
        Self { code, sentence: sentence.to_string() }
    }

    pub(crate) fn usage(sentence: impl fmt::Display) -> Self {
        Self::new(Usage::CODE, sentence)
    }

    /// The same, of the profile in that directory.
    pub(crate) fn of_profile(error: ApiError, dir: &Path) -> Self {
        let Self { code, sentence } = error.into();
        if code == Usage::CODE {
            return Self { code, sentence };
        }
        Self { code, sentence: format!("the profile in {}: {sentence}", dir.display()) }
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

impl From<BindError> for Failure {
    fn from(error: BindError) -> Self {
        match error {
            BindError::PortInUse(_) => {
                Self::new(Self::PORT_IN_USE, format!("{error}: end it, or choose another port with --listen"))
            }
            BindError::NotOurs(_) => Self::new(Self::OTHER, format!("{error}: choose one of its own with --listen")),
            BindError::NotAllowed(_) | BindError::Io(..) => Self::new(Self::OTHER, error),
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let code = match error.code {
            Code::DatabaseLocked => Self::DATABASE_LOCKED,
            Code::DatabaseDamaged => Self::DATABASE_DAMAGED,
            Code::DatabaseTooNew => Self::DATABASE_TOO_NEW,
            Code::DiskFull => Self::DISK_FULL,
            Code::WrongPassphrase | Code::WeakPassphrase | Code::NoKeychain | Code::Locked => Self::PASSPHRASE,
            Code::DiskFailed => Self::DISK_FAILED,
            Code::NotNatterFile | Code::FileDamaged | Code::FileTooNew => Self::BAD_FILE,
            Code::ProfileNotEmpty => Self::NOT_EMPTY,
            Code::BadBroker | Code::BadName | Code::TooMany | Code::TooLong | Code::Empty | Code::BadRequest => {
                Usage::CODE
            }
            Code::NotSetUp
            | Code::AlreadySetUp
            | Code::NoSuchRoom
            | Code::NoSuchMessage
            | Code::NoSuchInvite
            | Code::NoSuchStaged
            | Code::AlreadyMember
            | Code::HasRooms
            | Code::OtherCode
            | Code::NotAMember
            | Code::NotAllowed
            | Code::NobodyWaiting
            | Code::NoSuchMember
            | Code::NotACode
            | Code::CodeWrong
            | Code::NotAnEmoji
            | Code::BadMention
            | Code::InviteNotNatter
            | Code::InviteCut
            | Code::InviteWords
            | Code::InviteTooNew
            | Code::InviteExpired
            | Code::InviteUsedUp
            | Code::NotAPicture
            | Code::PictureTooLarge
            | Code::TransferFailed
            | Code::ShuttingDown
            | Code::Internal => Self::OTHER,
        };
        Self::new(code, error.message)
    }
}
