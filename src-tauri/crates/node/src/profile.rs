//! Profiles: several people, or lives, on one machine, each in a folder of their own.

use std::fmt;
use std::path::{Path, PathBuf};

/// What the platform calls the app, and the folder that it keeps for it.
pub const APP_ID: &str = "org.natter.natter";
/// Whose profile it is when nobody says.
pub const DEFAULT_PROFILE: &str = "default";
/// Longest profile name, in characters.
const PROFILE_MAX: usize = 32;

/// A profile's name. It becomes a folder, so that it can hold nothing that means something in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile(String);

impl Profile {
    /// Reads a name.
    ///
    /// # Errors
    /// What a name is made of.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || text.len() > PROFILE_MAX {
            return Err(format!("a profile's name has 1 to {PROFILE_MAX} characters"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
            return Err("a profile's name has only a-z, 0-9 and -".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// Where the profile's data lies, within the folder that the platform keeps for the app.
    pub fn folder(&self, app: &Path) -> PathBuf {
        app.join("profiles").join(&self.0)
    }

    /// What the window's title says.
    pub fn title(&self) -> String {
        if self.0 == DEFAULT_PROFILE { "Natter".to_owned() } else { format!("Natter · {}", self.0) }
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self(DEFAULT_PROFILE.to_owned())
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
    fn the_folder_is_the_name() {
        let ben = Profile::parse("ben").expect("valid");
        assert_eq!(ben.folder(Path::new("/home/x/natter")), Path::new("/home/x/natter/profiles/ben"));
        assert_eq!(Profile::default(), Profile::parse(DEFAULT_PROFILE).expect("valid"));
    }

    #[test]
    fn window_and_command_line_mean_the_same_app() {
        let window = include_str!("../../../tauri.conf.json");
        assert!(window.contains(&format!("\"identifier\": \"{APP_ID}\"")));
    }
}
