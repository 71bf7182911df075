//! How the app was started: which profile, and where its data lies.

use clap::Parser;
use std::fmt;
use std::path::{Path, PathBuf};

/// Longest profile name, in characters.
const PROFILE_MAX: usize = 32;
const DEFAULT_PROFILE: &str = "default";

/// Group chat, files and calls between people's own devices.
#[derive(Debug, Parser)]
#[command(name = "natter", version)]
pub(crate) struct Options {
    /// Run beside other profiles, with a key, rooms and settings of its own: a-z, 0-9 and -, at most 32 characters
    #[arg(long, env = "NATTER_PROFILE", value_name = "NAME", default_value = DEFAULT_PROFILE, value_parser = Profile::parse)]
    pub(crate) profile: Profile,

    /// Keep the data here instead of in the profile's folder
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl Options {
    /// What a phone starts with: it has no command line.
    #[cfg(mobile)]
    pub(crate) fn mobile() -> Self {
        Self { profile: Profile(DEFAULT_PROFILE.to_owned()), data_dir: None }
    }

    /// Where this profile's data lies, given the folder that the platform keeps for the app.
    pub(crate) fn data_dir(&self, platform: &Path) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| platform.join("profiles").join(&self.profile.0))
    }
}

/// A profile's name. It becomes a folder, so that it can hold nothing that means something in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile(String);

impl Profile {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > PROFILE_MAX {
            return Err(format!("a profile's name has 1 to {PROFILE_MAX} characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err("a profile's name has only a-z, 0-9 and -".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// What the window's title says.
    pub(crate) fn title(&self) -> String {
        if self.0 == DEFAULT_PROFILE { "Natter".to_owned() } else { format!("Natter · {}", self.0) }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_never_names_a_path() {
        for bad in ["", "..", "a/b", "a\\b", "A", "ä", "a b", ".hidden", &"x".repeat(PROFILE_MAX + 1)] {
            assert!(Profile::parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(Profile::parse(&"x".repeat(PROFILE_MAX)).is_ok());
    }

    #[test]
    fn profiles_have_folders_and_titles_of_their_own() {
        let bob = Options::try_parse_from(["natter", "--profile", "bob"]).expect("valid");
        assert_eq!(bob.data_dir(Path::new("/home/x/natter")), Path::new("/home/x/natter/profiles/bob"));
        assert_eq!(bob.profile.title(), "Natter · bob");
        assert_eq!(Profile::parse(DEFAULT_PROFILE).expect("valid").title(), "Natter");
    }

    #[test]
    fn a_named_folder_wins_over_the_profile() {
        let told = Options::try_parse_from(["natter", "--data-dir", "/tmp/n"]).expect("valid");
        assert_eq!(told.data_dir(Path::new("/home/x/natter")), Path::new("/tmp/n"));
    }
}
