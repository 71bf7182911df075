//! One host's conversation with the node, in JSON: lines in, lines out. `peer` has it over pipes, `serve` over WebSockets.
//!
//! Commands are begun in the order of their lines and may end in another; each reply carries its command's number. An
//! event that a command caused is told before the reply.

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use natter_node::api::{ApiError, Code, Command, Event, Reply, Response, Snapshot};
use natter_node::{Node, Pictures};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Bytes of one line: a text of 16 KiB of which every character is escaped, and its frame.
pub(crate) const LINE_BYTES: usize = 128 * 1024;
/// Commands under way at one time; more wait where they come from.
pub(crate) const UNDER_WAY: usize = 256;

/// Whether the other side may name paths of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paths {
    /// It runs as the person: `stageFile`, `saveBlob`, `exportRoom`, `importRoom`, `backup` and `restore` work.
    Allowed,
    /// It is a page.
    Refused,
}

/// A conversation.
pub(crate) struct Talk {
    node: Node,
    paths: Paths,
    events: Receiver<Event>,
    under_way: FuturesUnordered<BoxFuture<'static, Response>>,
}

#[derive(Serialize)]
struct First<'a> {
    r#type: &'static str,
    snapshot: &'a Snapshot,
}

impl Talk {
    /// Begins one; the first line to say.
    pub(crate) fn begin(node: Node, paths: Paths) -> (Self, String) {
        let (snapshot, events) = node.subscribe();
        (Self { node, paths, events, under_way: FuturesUnordered::new() }, first(&snapshot))
    }

    /// Whether another line may be heard now.
    pub(crate) fn has_room(&self) -> bool {
        self.under_way.len() < UNDER_WAY
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Takes a line. What cannot be read is answered like anything else.
    pub(crate) fn hear(&mut self, line: &str) {
        let (node, paths) = (self.node.clone(), self.paths);
        self.under_way.push(match read(line) {
            Ok((id, command)) => Box::pin(async move { respond(id, carry_out(&node, paths, command).await) }),
            Err((id, error)) => Box::pin(std::future::ready(Response::Error { id, error })),
        });
    }

    /// Answers what was too long to be a line.
    pub(crate) fn refuse_length(&mut self) {
        let error = ApiError::new(Code::TooLong, "a line is at most 128 KiB long");
        self.under_way.push(Box::pin(std::future::ready(Response::Error { id: None, error })));
    }

    /// The next line to say; none once the node has closed.
    pub(crate) async fn next(&mut self) -> Option<String> {
        tokio::select! {
            biased;
            event = self.events.recv() => match event {
                Ok(event) => Some(json(&event)),
                // Too slow for the events: the state anew, as at the beginning.
                Err(RecvError::Lagged(_)) => {
                    let (snapshot, events) = self.node.subscribe();
                    self.events = events;
                    Some(first(&snapshot))
                }
                Err(RecvError::Closed) => None,
            },
            Some(response) = self.under_way.next() => Some(json(&response)),
        }
    }
}

fn first(snapshot: &Snapshot) -> String {
    json(&First { r#type: "snapshot", snapshot })
}

fn json(value: &impl Serialize) -> String {
    // Strings, numbers and maps with string keys: nothing in the API can fail to be written.
    serde_json::to_string(value).unwrap_or_else(|error| {
        format!(r#"{{"type":"error","id":null,"error":{{"code":"internal","message":"{error}"}}}}"#)
    })
}

/// `{"id":1,"command":{…}}`, or the command alone.
fn read(line: &str) -> Result<(Option<u64>, Value), (Option<u64>, ApiError)> {
    let bad = |id, why: String| (id, ApiError::new(Code::BadRequest, why));
    let value: Value = serde_json::from_str(line).map_err(|error| bad(None, format!("this is not JSON: {error}")))?;
    let Value::Object(mut object) = value else { return Err(bad(None, "a line is an object".to_owned())) };
    if object.contains_key("type") {
        return Ok((None, Value::Object(object)));
    }
    let id = match object.remove("id") {
        None | Some(Value::Null) => None,
        Some(id) => Some(id.as_u64().ok_or_else(|| bad(None, "an id is a whole number from 0".to_owned()))?),
    };
    match object.remove("command") {
        Some(command @ Value::Object(_)) => Ok((id, command)),
        Some(_) | None => Err(bad(id, "there is no command in it".to_owned())),
    }
}

async fn carry_out(node: &Node, paths: Paths, command: Value) -> Result<Reply, ApiError> {
    let text = |key: &str| {
        let given = command.get(key).and_then(Value::as_str);
        given.ok_or_else(|| ApiError::new(Code::BadRequest, format!("{key} is missing")))
    };
    match (command.get("type").and_then(Value::as_str), paths) {
        (Some("stageFile"), Paths::Allowed) => {
            Ok(Reply::Staged { staged: node.stage_path(Path::new(text("path")?)).await? })
        }
        (Some("saveBlob"), Paths::Allowed) => {
            let path = text("path")?;
            node.save_blob(text("room")?, text("message")?, Path::new(path)).await?;
            Ok(Reply::Saved { path: Some(path.to_owned()) })
        }
        (Some("exportRoom"), Paths::Allowed) => {
            let path = text("path")?;
            node.export_room(text("room")?, Path::new(path)).await?;
            Ok(Reply::Saved { path: Some(path.to_owned()) })
        }
        (Some("importRoom"), Paths::Allowed) => Ok(node.import_room(Path::new(text("path")?)).await?.into()),
        (Some("backup"), Paths::Allowed) => {
            let path = text("path")?;
            let without = command.get("pictures").and_then(Value::as_bool) == Some(false);
            let pictures = if without { Pictures::Left } else { Pictures::Kept };
            node.backup(Path::new(path), text("passphrase")?, pictures).await?;
            Ok(Reply::Saved { path: Some(path.to_owned()) })
        }
        (Some("restore"), Paths::Allowed) => {
            let protection = command.get("protection").cloned().unwrap_or_default();
            let protection = serde_json::from_value(protection)
                .map_err(|error| ApiError::new(Code::BadRequest, format!("protection: {error}")))?;
            node.restore(Path::new(text("path")?), text("passphrase")?, protection).await?;
            Ok(Reply::Done)
        }
        (Some(_) | None, Paths::Allowed | Paths::Refused) => {
            let command: Command = serde_json::from_value(command)
                .map_err(|error| ApiError::new(Code::BadRequest, format!("this is not a command: {error}")))?;
            node.request(command).await
        }
    }
}

fn respond(id: Option<u64>, outcome: Result<Reply, ApiError>) -> Response {
    match outcome {
        Ok(reply) => Response::Reply { id, reply: Box::new(reply) },
        Err(error) => Response::Error { id, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_request_or_a_bare_command() {
        assert!(matches!(read(r#"{"id":7,"command":{"type":"snapshot"}}"#), Ok((Some(7), _))));
        assert!(matches!(read(r#"{"command":{"type":"snapshot"}}"#), Ok((None, _))));
        assert!(matches!(read(r#"{"type":"snapshot"}"#), Ok((None, _))));
        for (line, id) in [
            ("", None),
            ("snapshot", None),
            ("[]", None),
            ("{", None),
            (r#"{"id":"7","command":{}}"#, None),
            (r#"{"id":-1,"command":{}}"#, None),
            (r#"{"id":7}"#, Some(7)),
            (r#"{"id":7,"command":"snapshot"}"#, Some(7)),
        ] {
            let (told, error) = read(line).expect_err(line);
            assert_eq!((told, error.code), (id, Code::BadRequest), "{line}");
        }
    }

    #[tokio::test]
    async fn more_than_256_commands_at_once_wait_where_they_come_from() {
        let dir = tempfile::tempdir().expect("a directory");
        let config =
            natter_node::NodeConfig { embedded_broker: false, lan: false, ..natter_node::NodeConfig::new(dir.path()) };
        let (mut talk, _) = Talk::begin(Node::open(config).await.expect("opens"), Paths::Refused);
        for _ in 0..UNDER_WAY {
            assert!(talk.has_room());
            talk.hear(r#"{"type":"snapshot"}"#);
        }
        assert!(!talk.has_room() && !talk.is_idle());
        for _ in 0..UNDER_WAY {
            assert!(talk.next().await.is_some_and(|line| line.contains(r#""type":"reply""#)));
        }
        assert!(talk.has_room() && talk.is_idle());
    }
}
