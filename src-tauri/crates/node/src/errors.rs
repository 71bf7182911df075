//! What can go wrong below, in the words of the API.

use crate::api::{ApiError, Code};
use natter_engine::identity::NameError;
use natter_engine::port::Refusal;
use natter_engine::signaling::InviteError;
use natter_store::StoreError;
use natter_store::backup::BackupError;
use natter_store::blobs::BlobError;
use natter_store::vault::VaultError;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let (code, sentence) = match refusal {
            Refusal::NoSuchRoom => (Code::NoSuchRoom, "there is no such room on this device"),
            Refusal::AlreadyMember => (Code::AlreadyMember, "this device is in the room already"),
            Refusal::HasRooms => {
                (Code::HasRooms, "this device is in rooms already: only one that is in none can be linked with another")
            }
            Refusal::NotAMember => (Code::NotAMember, "this device is no member of the room any more"),
            Refusal::NotAllowed => (Code::NotAllowed, "this device's role in the room does not allow it"),
            Refusal::NobodyWaiting => (Code::NobodyWaiting, "nobody of that name is waiting to come in"),
            Refusal::NoSuchInvite => (Code::NoSuchInvite, "there is no such invite"),
            Refusal::NoSuchMember => (Code::NoSuchMember, "nobody of that name is in the room"),
            Refusal::NoSuchEntry => (Code::NoSuchMessage, "there is no such message in this room, or it is gone"),
            Refusal::NotAnEmoji => (Code::NotAnEmoji, "a reaction is one emoji"),
            Refusal::BadMention => (Code::BadMention, "a mention does not stand in the text"),
            Refusal::Empty => (Code::Empty, "something must be in it"),
            Refusal::TooLong => (Code::TooLong, "it is longer than allowed"),
            Refusal::BadName => (Code::BadName, "the name has characters that cannot be shown"),
            Refusal::TooMany => (Code::TooMany, "there are too many already: finish or remove some first"),
            Refusal::NotSaved(trouble) => return crate::mirror::store_trouble(trouble),
            Refusal::InviteExpired => (Code::InviteExpired, "the invite has expired: ask for a new one"),
            Refusal::BadEntry => (Code::FileDamaged, "an entry of the file does not verify"),
            Refusal::ShuttingDown => (Code::ShuttingDown, "Natter is closing"),
        };
        Self::new(code, sentence)
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        let code = match error {
            NameError::Empty => Code::Empty,
            NameError::TooLong => Code::TooLong,
            NameError::Unprintable => Code::BadName,
        };
        Self::new(code, error.to_string())
    }
}

impl From<InviteError> for ApiError {
    fn from(error: InviteError) -> Self {
        let (code, sentence) = match error {
            InviteError::NotNatter => (Code::InviteNotNatter, "there is no Natter invite in this text"),
            InviteError::OtherKind => {
                (Code::OtherCode, "a code that links a device is not an invite to a room, nor the other way round")
            }
            InviteError::Cut => (Code::InviteCut, "the invite is cut short or mistyped: copy it again, whole"),
            InviteError::TooNew => (Code::InviteTooNew, "the invite was made by a newer Natter: update this one"),
        };
        Self::new(code, sentence)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Locked => Self::in_use(),
            StoreError::TooNew { .. } => Self::new(
                Code::DatabaseTooNew,
                "the database was written by a newer Natter: update this one; nothing was changed",
            ),
            StoreError::Damaged(_) | StoreError::Missing | StoreError::WrongKey => Self::damaged(&error.to_string()),
            StoreError::DiskFull => Self::disk_full(),
            StoreError::TooMany(_) | StoreError::Invalid(_) => Self::new(Code::TooLong, error.to_string()),
            StoreError::NoSuchRoom(_) => Refusal::NoSuchRoom.into(),
            StoreError::NoIdentity => Self::new(Code::NotSetUp, error.to_string()),
            StoreError::AlreadyCreated => Self::new(Code::AlreadySetUp, error.to_string()),
            StoreError::Conflict { .. } => Self::new(Code::Internal, error.to_string()),
            StoreError::Closed => Self::new(Code::ShuttingDown, error.to_string()),
            StoreError::Io(_) | StoreError::Sqlite(_) => Self::disk_failed(&error.to_string()),
        }
    }
}

impl From<VaultError> for ApiError {
    fn from(error: VaultError) -> Self {
        let code = match &error {
            VaultError::NoKeychain(_) => {
                let sentence = format!("{error}: sign in and unlock it, or set up with a passphrase");
                return Self::new(Code::NoKeychain, sentence);
            }
            VaultError::WrongPassphrase => Code::WrongPassphrase,
            VaultError::PassphraseTooShort => Code::WeakPassphrase,
            VaultError::PassphraseTooLong => Code::TooLong,
            VaultError::KeyGone | VaultError::Damaged(_) => return Self::damaged(&error.to_string()),
            VaultError::TooNew(_) => {
                let sentence = format!("{error} of Natter: update this one; nothing was changed");
                return Self::new(Code::DatabaseTooNew, sentence);
            }
            VaultError::AlreadyCreated => Code::AlreadySetUp,
            VaultError::NotByPassphrase => Code::BadRequest,
            VaultError::DiskFull => return Self::disk_full(),
            VaultError::Io(_) => return Self::disk_failed(&error.to_string()),
        };
        Self::new(code, error.to_string())
    }
}

impl From<BackupError> for ApiError {
    fn from(error: BackupError) -> Self {
        let code = match error {
            BackupError::Nothing => Code::NotSetUp,
            BackupError::NotABackup => Code::NotNatterFile,
            BackupError::TooNew => Code::FileTooNew,
            BackupError::WrongPassphrase => Code::WrongPassphrase,
            BackupError::Damaged(_) => Code::FileDamaged,
            BackupError::NotEmpty(_) => Code::ProfileNotEmpty,
            BackupError::Moved => Code::NoSuchRoom,
            BackupError::Vault(error) => return error.into(),
            BackupError::Store(error) => return error.into(),
            BackupError::Blob(error) => return error.into(),
            BackupError::DiskFull => return Self::disk_full(),
            BackupError::Io(error) => return Self::io("the file could not be read or written", &error),
        };
        Self::new(code, error.to_string())
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::NotHere => Self::new(Code::TransferFailed, "the picture is not on this device yet"),
            BlobError::Damaged => Self::new(Code::DiskFailed, "the picture is damaged on this device's disk"),
            BlobError::Mismatch => Self::new(Code::TransferFailed, "the bytes are not those that were offered"),
            BlobError::DiskFull => Self::disk_full(),
            BlobError::Io(_) => Self::disk_failed(&error.to_string()),
        }
    }
}

impl ApiError {
    /// For a fault of Natter's own; the sentence is for its developers.
    pub(crate) fn internal(sentence: impl Into<String>) -> Self {
        Self::new(Code::Internal, sentence)
    }

    /// A file could not be read or written.
    pub(crate) fn io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            return Self::disk_full();
        }
        Self::new(Code::DiskFailed, format!("{what}: {error}"))
    }

    /// Nothing more fits.
    pub(crate) fn disk_full() -> Self {
        let sentence = "the disk is full: nothing was lost, but nothing more can be saved until some space is freed";
        Self::new(Code::DiskFull, sentence)
    }

    /// The disk refused; what it said.
    pub(crate) fn disk_failed(said: &str) -> Self {
        let sentence = format!("{said}; nothing was changed: check that the disk is there and may be written to");
        Self::new(Code::DiskFailed, sentence)
    }

    /// Another process has the profile.
    pub(crate) fn in_use() -> Self {
        Self::new(Code::DatabaseLocked, "another Natter uses this profile: close it first, or choose another profile")
    }

    /// What cannot be read, and that it stays.
    pub(crate) fn damaged(what: &str) -> Self {
        let sentence = format!("{what}; nothing was changed: put a backup in its place, or begin with a new profile");
        Self::new(Code::DatabaseDamaged, sentence)
    }

    /// The app is closing, or what was to answer is gone.
    pub(crate) fn closing() -> Self {
        Refusal::ShuttingDown.into()
    }
}
