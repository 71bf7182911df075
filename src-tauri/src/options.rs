//! How the app was started: which profile, and where its data lies.

use clap::Parser;
use natter_node::profile::{DEFAULT_PROFILE, Profile};
use std::path::{Path, PathBuf};

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
        Self { profile: Profile::default(), data_dir: None }
    }

    /// Where this profile's data lies, given the folder that the platform keeps for the app.
    pub(crate) fn data_dir(&self, platform: &Path) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| self.profile.folder(platform))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_folders_and_titles_of_their_own() {
        let bob = Options::try_parse_from(["natter", "--profile", "bob"]).expect("valid");
        assert_eq!(bob.data_dir(Path::new("/home/x/natter")), Path::new("/home/x/natter/profiles/bob"));
        assert_eq!(bob.profile.title(), "Natter · bob");
        assert_eq!(Options::try_parse_from(["natter"]).expect("valid").profile.title(), "Natter");
    }

    #[test]
    fn a_named_folder_wins_over_the_profile() {
        let told = Options::try_parse_from(["natter", "--data-dir", "/tmp/n"]).expect("valid");
        assert_eq!(told.data_dir(Path::new("/home/x/natter")), Path::new("/tmp/n"));
    }
}
