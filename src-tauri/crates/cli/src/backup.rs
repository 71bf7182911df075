//! `natter-cli backup` and `natter-cli restore`: a whole profile in one file, sealed under a passphrase, and back.
//!
//! Both work on a profile that no Natter has open; a running one makes its backup by `{"type":"backup",…}` on `peer`.

use crate::failure::Failure;
use crate::options::read_passphrase;
use natter_node::api::Protection;
use natter_node::{Pictures, Summary, backup_profile, restore_profile};
use std::io::Write;
use std::path::PathBuf;

/// Backs up a profile.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// The profile.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The file to make. One of that name is replaced, once the new one is whole.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// The file whose first line seals the backup: at least 8 characters.
    #[arg(long, value_name = "FILE")]
    backup_passphrase_file: PathBuf,
    /// The file whose first line protects the profile, if one does.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Leave pictures out: members who have them give them again.
    #[arg(long)]
    no_pictures: bool,
}

/// Restores a profile.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The file whose first line seals the backup.
    #[arg(long, value_name = "FILE")]
    backup_passphrase_file: PathBuf,
    /// Where the profile goes: an empty folder, or one that is not there.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// The file whose first line shall protect the profile; without it the system's keychain does.
    #[arg(long, value_name = "FILE", conflicts_with = "unprotected")]
    passphrase_file: Option<PathBuf>,
    /// Keep the profile's key in the clear beside it.
    #[arg(long)]
    unprotected: bool,
}

/// Makes the file and says what is in it.
pub(crate) async fn back_up(args: BackupArgs) -> Result<(), Failure> {
    let passphrase = read_passphrase(&args.backup_passphrase_file)?;
    let unlock = args.passphrase_file.as_deref().map(read_passphrase).transpose()?;
    let pictures = if args.no_pictures { Pictures::Left } else { Pictures::Kept };
    let (dir, to) = (args.data_dir.clone(), args.to);
    let made = apart(move || backup_profile(&dir, unlock.as_deref(), &to, &passphrase, pictures)).await?;
    say("backed up", made.map_err(|error| Failure::of_profile(error, &args.data_dir))?)
}

/// Makes the profile and says what is in it.
pub(crate) async fn restore(args: RestoreArgs) -> Result<(), Failure> {
    let passphrase = read_passphrase(&args.backup_passphrase_file)?;
    let protection = match &args.passphrase_file {
        Some(file) => Protection::Passphrase { passphrase: read_passphrase(file)? },
        None if args.unprotected => Protection::Unprotected,
        None => Protection::Keychain,
    };
    let restored = apart(move || restore_profile(&args.from, &passphrase, &args.data_dir, &protection)).await?;
    say("restored", restored?)
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Failure::new(Failure::OTHER, format!("a task of Natter's ended badly: {error}")))
}

fn say(what: &str, summary: Summary) -> Result<(), Failure> {
    let Summary { rooms, entries, pictures } = summary;
    let said = writeln!(std::io::stdout(), "{what}: {rooms} rooms, {entries} entries, {pictures} pictures");
    said.map_err(|error| Failure::new(Failure::OTHER, format!("cannot write to stdout: {error}")))
}
