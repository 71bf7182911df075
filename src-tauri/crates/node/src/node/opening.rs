//! From a directory to a session: vault, database, identity. Nothing here ever overwrites what it cannot read.

use super::session::Session;
use super::{Begun, Node, Stage, blocking};
use crate::api::{ApiError, Code, Phase, Protection, Reply};
use crate::config::Unattended;
use natter_engine::identity::clean_name;
use natter_engine::ids::LogId;
use natter_engine::port::{Boot, Profile};
use natter_store::backup::{self, Summary};
use natter_store::sqlite::SqliteStore;
use natter_store::vault::{self, Kept, State, Vault};
use natter_store::{Store, StoreError, StoreKey};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

type Opened = (StoreKey, Arc<SqliteStore>, Option<Boot>);

impl Node {
    /// Goes as far as it can without a person.
    pub(super) async fn begin(&self) {
        let mut stage = self.0.stage.lock().await;
        self.begin_stage(&mut stage).await;
    }

    /// The command `reopen`.
    pub(super) async fn reopen(&self) -> Result<Reply, ApiError> {
        let mut stage = self.0.stage.lock().await;
        match *stage {
            Stage::Broken => self.begin_stage(&mut stage).await,
            Stage::Setup(_) | Stage::Locked | Stage::Ready => {}
            Stage::Closed => return Err(ApiError::closing()),
        }
        self.broken().map_or(Ok(Reply::Done), Err)
    }

    async fn begin_stage(&self, stage: &mut Stage) {
        let dir = self.dir();
        let found = blocking(move || Vault::open(&dir)).await;
        let outcome = match found {
            Ok(Ok(State::Empty)) => {
                self.enter(stage, Stage::Setup(Begun::default()), Phase::Setup);
                Ok(())
            }
            Ok(Ok(State::Locked)) => {
                self.enter(stage, Stage::Locked, Phase::Locked);
                match &self.0.config.unattended {
                    Some(Unattended::Passphrase(passphrase)) => self.unlock_stage(stage, passphrase.clone()).await,
                    Some(Unattended::Unprotected | Unattended::KeychainElseUnprotected) | None => Ok(()),
                }
            }
            Ok(Ok(State::Ready(key))) => self.open_with(stage, key).await,
            Ok(Err(error)) => Err(ApiError::from(error)),
            Err(error) => Err(error),
        };
        let outcome = match (outcome, &*stage, &self.0.config.name) {
            (Ok(()), Stage::Setup(_), Some(name)) => self.set_up_unattended(stage, name.clone()).await,
            (outcome, ..) => outcome,
        };
        if let Err(error) = outcome {
            self.break_down(stage, error);
        }
    }

    /// The command `setup`.
    pub(super) async fn set_up(&self, name: &str, protection: Protection) -> Result<Reply, ApiError> {
        let name = clean_name(name)?;
        let mut stage = self.0.stage.lock().await;
        self.set_up_stage(&mut stage, name, protection).await?;
        Ok(Reply::Done)
    }

    /// Makes this profile of a backup, while it is none yet, and opens it.
    pub(super) async fn restore_into(
        &self,
        from: PathBuf,
        passphrase: String,
        protection: Protection,
    ) -> Result<Summary, ApiError> {
        let mut stage = self.0.stage.lock().await;
        match &*stage {
            Stage::Setup(begun) if begun.key.is_none() => {}
            Stage::Setup(_) | Stage::Ready | Stage::Locked => {
                let sentence = "this device is set up already: a backup is restored into an empty profile only";
                return Err(ApiError::new(Code::ProfileNotEmpty, sentence));
            }
            Stage::Broken | Stage::Closed => return Err(self.not_ready()),
        }
        let dir = self.dir();
        let restored =
            blocking(move || backup::restore(&from, &passphrase, &dir, chosen(&protection)).map_err(ApiError::from));
        let restored = restored.await??;
        self.begin_stage(&mut stage).await;
        self.broken().map_or(Ok(restored), Err)
    }

    /// The command `unlock`.
    pub(super) async fn unlock(&self, passphrase: String) -> Result<Reply, ApiError> {
        let mut stage = self.0.stage.lock().await;
        match *stage {
            Stage::Locked => self.unlock_stage(&mut stage, passphrase).await?,
            Stage::Ready => {}
            Stage::Setup(_) | Stage::Broken | Stage::Closed => return Err(self.not_ready()),
        }
        Ok(Reply::Done)
    }

    async fn set_up_unattended(&self, stage: &mut Stage, name: String) -> Result<(), ApiError> {
        let name = clean_name(&name)?;
        match &self.0.config.unattended {
            None => Ok(()),
            Some(Unattended::Passphrase(passphrase)) => {
                let passphrase = passphrase.clone();
                self.set_up_stage(stage, name, Protection::Passphrase { passphrase }).await
            }
            Some(Unattended::Unprotected) => self.set_up_stage(stage, name, Protection::Unprotected).await,
            Some(Unattended::KeychainElseUnprotected) => {
                match self.set_up_stage(stage, name.clone(), Protection::Keychain).await {
                    Err(error) if error.code == Code::NoKeychain => {
                        tracing::warn!("no keychain answers: the database's key lies unprotected beside it");
                        self.set_up_stage(stage, name, Protection::Unprotected).await
                    }
                    outcome => outcome,
                }
            }
        }
    }

    async fn set_up_stage(&self, stage: &mut Stage, name: String, protection: Protection) -> Result<(), ApiError> {
        let Stage::Setup(left) = stage else {
            return Err(match stage {
                Stage::Ready | Stage::Locked => ApiError::new(Code::AlreadySetUp, "this device is set up already"),
                Stage::Setup(_) | Stage::Broken | Stage::Closed => self.not_ready(),
            });
        };
        let mut begun = left.clone();
        let dir = self.dir();
        let (begun, made) = blocking(move || {
            let made = found_identity(&dir, &mut begun, name, &protection);
            (begun, made)
        })
        .await?;
        match made {
            Ok(opened) => self.go_on(stage, opened).await,
            Err(error) => {
                *stage = Stage::Setup(begun);
                Err(error)
            }
        }
    }

    async fn unlock_stage(&self, stage: &mut Stage, passphrase: String) -> Result<(), ApiError> {
        let dir = self.dir();
        let key = blocking(move || Vault::unlock(&dir, &passphrase)).await??;
        self.open_with(stage, key).await
    }

    async fn open_with(&self, stage: &mut Stage, key: StoreKey) -> Result<(), ApiError> {
        let dir = self.dir();
        let opened = blocking(move || {
            let store = Arc::new(SqliteStore::open(&dir, &key)?);
            let boot = store.boot()?;
            Ok::<Opened, StoreError>((key, store, boot))
        })
        .await??;
        self.go_on(stage, opened).await
    }

    async fn go_on(&self, stage: &mut Stage, (key, store, boot): Opened) -> Result<(), ApiError> {
        let Some(boot) = boot else {
            self.enter(stage, Stage::Setup(Begun { key: Some(key), store: Some(store) }), Phase::Setup);
            return Ok(());
        };
        let dir = self.dir();
        let kept = blocking(move || Vault::kept(&dir)).await??;
        let session = Session::start(self, store, boot, kept == Some(Kept::Unprotected)).await?;
        *self.0.session.write().unwrap_or_else(PoisonError::into_inner) = Some(session);
        self.enter(stage, Stage::Ready, Phase::Ready);
        Ok(())
    }

    fn enter(&self, stage: &mut Stage, to: Stage, phase: Phase) {
        *stage = to;
        let mut face = self.face();
        face.broken = None;
        face.mirror.set_phase(phase);
        self.publish(&mut face);
    }

    fn break_down(&self, stage: &mut Stage, error: ApiError) {
        // A wrong passphrase from a file, or a name that cannot be: the database is fine, a person can go on.
        let recoverable = matches!(stage, Stage::Locked | Stage::Setup(_));
        tracing::debug!(code = ?error.code, "cannot open the profile: {error}");
        let mut face = self.face();
        if !recoverable || is_of_the_disk(error.code) {
            *stage = Stage::Broken;
            face.broken = Some(error.clone());
            face.mirror.set_phase(Phase::Broken);
        }
        face.mirror.trouble(error);
        self.publish(&mut face);
    }

    fn dir(&self) -> PathBuf {
        self.0.config.data_dir.clone()
    }
}

fn is_of_the_disk(code: Code) -> bool {
    matches!(
        code,
        Code::DiskFull
            | Code::DiskFailed
            | Code::DatabaseDamaged
            | Code::DatabaseLocked
            | Code::DatabaseTooNew
            | Code::Internal
    )
}

pub(super) fn chosen(protection: &Protection) -> vault::Protection<'_> {
    match protection {
        Protection::Keychain => vault::Protection::Keychain,
        Protection::Passphrase { passphrase } => vault::Protection::Passphrase(passphrase),
        Protection::Unprotected => vault::Protection::Unprotected,
    }
}

/// Key, database, identity: each durable before the next, so that a crash between them loses nothing.
fn found_identity(dir: &Path, begun: &mut Begun, name: String, protection: &Protection) -> Result<Opened, ApiError> {
    let key = match &begun.key {
        // How it is kept was chosen when it was made.
        Some(key) => key.clone(),
        None => begun.key.insert(Vault::create(dir, chosen(protection))?).clone(),
    };
    let store = match &begun.store {
        Some(store) => Arc::clone(store),
        None => Arc::clone(begun.store.insert(Arc::new(SqliteStore::open(dir, &key)?))),
    };
    let (mut secret, mut log) = ([0; 32], [0; 16]);
    fill(&mut secret)?;
    fill(&mut log)?;
    store.create(secret, LogId(log), &Profile { name, avatar: None })?;
    let boot = store.boot()?;
    Ok((key, store, boot))
}

pub(super) fn fill(bytes: &mut [u8]) -> Result<(), ApiError> {
    getrandom::fill(bytes).map_err(|error| ApiError::internal(format!("the system has no random source: {error}")))
}
