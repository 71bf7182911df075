//! Whether the person looks at the window, and at which room: the window knows the first, the page the second.

use natter_node::api::Command;
use std::sync::Mutex;

/// What is known of it.
#[derive(Debug, Default)]
pub(crate) struct Attention(Mutex<Looking>);

#[derive(Clone, Debug, Default)]
struct Looking {
    focused: bool,
    room: Option<String>,
}

impl Attention {
    /// Whether the window has the focus.
    pub(crate) fn focused(&self) -> bool {
        self.looking().focused
    }

    /// The window's focus came or went. What the node should hear.
    pub(crate) fn window(&self, focused: bool) -> Command {
        let mut looking = self.looking();
        looking.focused = focused;
        Command::SetFocus { focused, room: looking.room.clone() }
    }

    /// A command of the page passes: `setFocus` names the room, but the window knows better about the focus.
    pub(crate) fn page(&self, command: Command) -> Command {
        let Command::SetFocus { focused: _, room } = command else { return command };
        let mut looking = self.looking();
        looking.room = room.clone();
        Command::SetFocus { focused: looking.focused, room }
    }

    fn looking(&self) -> std::sync::MutexGuard<'_, Looking> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(command: Command) -> (bool, Option<String>) {
        let Command::SetFocus { focused, room } = command else { unreachable!("a setFocus went in") };
        (focused, room)
    }

    #[test]
    fn the_page_names_the_room_and_the_window_the_focus() {
        let attention = Attention::default();
        let page = Command::SetFocus { focused: true, room: Some("r1".to_owned()) };
        assert_eq!(told(attention.page(page)), (false, Some("r1".to_owned())), "the window was never focused");
        assert_eq!(told(attention.window(true)), (true, Some("r1".to_owned())));
        assert!(attention.focused());
        assert_eq!(told(attention.page(Command::SetFocus { focused: false, room: None })), (true, None));
        assert_eq!(told(attention.window(false)), (false, None));
    }

    #[test]
    fn other_commands_pass_untouched() {
        assert!(matches!(Attention::default().page(Command::NetworkChanged), Command::NetworkChanged));
    }
}
