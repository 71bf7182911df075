//! What takes time to become so: everyone who is in a room sees the same.

use super::evidence::{Account, Evidence, Verdict, Witness, body};
use natter_engine::ids::{DeviceId, EntryHash, LogKey};
use natter_engine::port::{JoinState, OrderKey};
use natter_engine::rooms::Presence;
use natter_engine::wire::Body;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

/// Compares something of each insider of a room with the first one's.
fn same<T: PartialEq + Debug>(evidence: &Evidence, what: &str, of: impl Fn(&Account) -> T) -> Verdict {
    for ((a, one), (b, two)) in evidence.pairs() {
        let (first, theirs) = (of(one), of(two));
        if first != theirs {
            return Err(format!("{} and {} see different {what}:\n{first:?}\n{theirs:?}", a.name, b.name));
        }
    }
    Ok(())
}

pub(super) fn commands_end(evidence: &Evidence) -> Verdict {
    match evidence.people.iter().find(|witness| witness.waiting > 0) {
        Some(witness) => Err(format!("{} waits for {} commands", witness.name, witness.waiting)),
        None => Ok(()),
    }
}

pub(super) fn knocks_end(evidence: &Evidence) -> Verdict {
    for witness in evidence.honest() {
        for (room, (state, heard)) in &witness.knocks {
            let waits = match state {
                JoinState::Connecting | JoinState::WaitingForMember | JoinState::WaitingForApproval => true,
                JoinState::Admitted
                | JoinState::Declined
                | JoinState::UsedUp
                | JoinState::Expired
                | JoinState::Void
                | JoinState::Cancelled
                | JoinState::AlreadyMember => false,
            };
            if waits && *heard {
                return Err(format!("{} still knocks at {room:?}: {state:?}", witness.name));
            }
        }
    }
    Ok(())
}

pub(super) fn all_linked(evidence: &Evidence) -> Verdict {
    for room in evidence.rooms() {
        let insiders = evidence.insiders(room);
        for (a, account) in &insiders {
            for (b, _) in &insiders {
                let seen = account.view.members.iter().find(|member| member.device == b.device);
                if seen.map(|member| member.presence) != Some(Presence::Online) {
                    let presence = seen.map(|member| member.presence);
                    return Err(format!("in {room:?} {} sees {} as {presence:?}", a.name, b.name));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn same_name(evidence: &Evidence) -> Verdict {
    same(evidence, "names", |account| (account.view.name.clone(), account.view.about.clone(), account.view.lives))
}

pub(super) fn same_members(evidence: &Evidence) -> Verdict {
    same(evidence, "members", |account| account.view.members.iter().map(|m| m.device).collect::<Vec<_>>())
}

pub(super) fn same_former(evidence: &Evidence) -> Verdict {
    same(evidence, "former members", |account| account.view.former.clone())
}

pub(super) fn same_roles(evidence: &Evidence) -> Verdict {
    same(evidence, "roles", |account| account.view.members.iter().map(|m| (m.device, m.role)).collect::<Vec<_>>())
}

pub(super) fn same_profiles(evidence: &Evidence) -> Verdict {
    let profiles = |account: &Account| -> Vec<_> {
        account.view.members.iter().map(|member| (member.device, member.profile.clone())).collect()
    };
    same(evidence, "profiles", profiles)
}

pub(super) fn same_invites(evidence: &Evidence) -> Verdict {
    same(evidence, "invites", |account| {
        let invites = account.view.invites.iter();
        invites.map(|i| (i.invite, i.by, i.uses, i.used, i.expires, i.approval, i.role)).collect::<Vec<_>>()
    })
}

pub(super) fn same_entries(evidence: &Evidence) -> Verdict {
    for ((a, one), (b, two)) in evidence.pairs() {
        let (ours, theirs): (BTreeSet<OrderKey>, BTreeSet<OrderKey>) =
            (one.orders().into_iter().collect(), two.orders().into_iter().collect());
        if ours != theirs {
            let lacks = |has: &BTreeSet<OrderKey>, other: &BTreeSet<OrderKey>| other.difference(has).count();
            return Err(format!(
                "{} has {} entries of {:?} and {} has {}; {} and {} are missing",
                a.name,
                ours.len(),
                one.view.room,
                b.name,
                theirs.len(),
                lacks(&ours, &theirs),
                lacks(&theirs, &ours)
            ));
        }
    }
    Ok(())
}

pub(super) fn same_limits(evidence: &Evidence) -> Verdict {
    same(evidence, "ends of logs", |account| account.view.limits.clone())
}

pub(super) fn same_payloads(evidence: &Evidence) -> Verdict {
    for room in evidence.rooms() {
        let insiders = evidence.insiders(room);
        // Each device erases what expires by its own clock.
        let expires: BTreeSet<EntryHash> = insiders
            .iter()
            .flat_map(|(_, account)| &account.entries)
            .filter(|entry| entry.expires.is_some())
            .map(|entry| entry.order.hash)
            .collect();
        // Whether an admin may delete what another said is judged when the DELETE comes in. Where their right was taken at
        // some time, two devices may judge differently: known, and not yet mended.
        let contested: BTreeSet<EntryHash> = insiders.iter().flat_map(|(_, account)| contested(account)).collect();
        let skipped: BTreeSet<EntryHash> = expires.union(&contested).copied().collect();
        let mut known: BTreeMap<EntryHash, (&Witness, &Option<Vec<u8>>)> = BTreeMap::new();
        for (witness, account) in &insiders {
            let all = account.entries.iter().filter(|entry| !skipped.contains(&entry.order.hash));
            // The words of an edit go with those that it changes.
            for entry in all.filter(|entry| entry.target.is_none_or(|target| !skipped.contains(&target))) {
                let (first, payload) = known.entry(entry.order.hash).or_insert((witness, &entry.payload));
                if **payload != entry.payload {
                    return Err(format!(
                        "{} and {} hold different words of {:?} (kind {}): {} and {} bytes",
                        first.name,
                        witness.name,
                        entry.order.hash,
                        entry.kind,
                        payload.as_ref().map_or(0, Vec::len),
                        entry.payload.as_ref().map_or(0, Vec::len)
                    ));
                }
            }
        }
    }
    Ok(())
}

/// What somebody deleted that another said, who lost their right at some time.
fn contested(account: &Account) -> Vec<EntryHash> {
    let mut losers = BTreeSet::new();
    let mut deleted = Vec::new();
    for (entry, said) in account.said() {
        if let Body::Remove { device, .. } | Body::Revoke { device, .. } = said {
            losers.extend(account.kin(device));
        } else if matches!(said, Body::Leave { .. }) {
            losers.extend(account.kin(entry.order.author));
        } else if let Body::About { target, act: natter_engine::wire::Act::Delete } = said {
            deleted.push((entry.order.author, target));
        }
    }
    deleted.into_iter().filter(|(by, _)| losers.contains(by)).map(|(_, target)| target).collect()
}

pub(super) fn same_edits(evidence: &Evidence) -> Verdict {
    for ((a, one), (b, two)) in evidence.pairs() {
        let (ours, theirs) = (one.edits(), two.edits());
        // Where one device has erased already what expires, there is nothing to compare.
        let both = ours.iter().filter_map(|(target, edit)| Some((target, edit, theirs.get(target)?)));
        if let Some((target, first, second)) = both.clone().find(|(_, first, second)| first != second) {
            return Err(format!("{} and {} see {target:?} as {first:?} and {second:?}", a.name, b.name));
        }
        let stays = |account: &Account, target: &EntryHash| {
            account.entry(*target).is_some_and(|entry| entry.payload.is_some() && entry.expires.is_none())
        };
        let only = |ours: &BTreeMap<EntryHash, EntryHash>, theirs: &BTreeMap<EntryHash, EntryHash>| {
            ours.keys().find(|target| !theirs.contains_key(target) && stays(one, target) && stays(two, target)).copied()
        };
        if let Some(target) = only(&ours, &theirs).or(only(&theirs, &ours)) {
            return Err(format!("only one of {} and {} sees that {target:?} was edited", a.name, b.name));
        }
    }
    Ok(())
}

pub(super) fn same_reactions(evidence: &Evidence) -> Verdict {
    same(evidence, "reactions", Account::reactions)
}

pub(super) fn same_pins(evidence: &Evidence) -> Verdict {
    same(evidence, "pins", |account| account.pinned.clone())
}

pub(super) fn same_key(evidence: &Evidence) -> Verdict {
    same(evidence, "keys", |account| account.epoch)
}

pub(super) fn reads_are_signed(evidence: &Evidence) -> Verdict {
    for (witness, account) in evidence.accounts() {
        let mut signed: BTreeSet<(DeviceId, OrderKey)> = BTreeSet::new();
        for (entry, body) in account.said() {
            if let Body::Receipt { upto } = body {
                signed.insert((entry.order.author, upto));
            }
        }
        if let Some((device, _)) =
            account.view.reads.iter().find(|(device, upto)| !signed.contains(&(**device, **upto)))
        {
            return Err(format!("{} shows a reading mark of {device:?} that it did not sign", witness.name));
        }
    }
    Ok(())
}

pub(super) fn receipts_complete(evidence: &Evidence) -> Verdict {
    for room in evidence.rooms() {
        let insiders = evidence.insiders(room);
        for (a, account) in &insiders {
            let own: BTreeMap<LogKey, u64> =
                account.heads.iter().filter(|(log, _)| log.author == a.device).map(|(log, seq)| (*log, *seq)).collect();
            for (b, _) in insiders.iter().filter(|(b, _)| b.device != a.device) {
                for (log, head) in &own {
                    let shown = account.view.held.get(&b.device).and_then(|logs| logs.get(log)).copied().unwrap_or(0);
                    let heard = account.held.get(&(b.device, *log)).copied().unwrap_or(0);
                    if shown.max(heard) != *head {
                        return Err(format!(
                            "{} thinks that {} holds {} of its {head}",
                            a.name,
                            b.name,
                            shown.max(heard)
                        ));
                    }
                }
            }
        }
    }
    Ok(())
}

pub(super) fn acknowledged_arrives(evidence: &Evidence) -> Verdict {
    for room in evidence.rooms() {
        let insiders = evidence.insiders(room);
        let disks: Vec<(&Witness, BTreeSet<EntryHash>)> = insiders
            .iter()
            .map(|(witness, account)| (*witness, account.entries.iter().map(|entry| entry.order.hash).collect()))
            .collect();
        for (author, account) in &insiders {
            for hash in &account.acknowledged {
                if let Some((witness, _)) = disks.iter().find(|(_, disk)| !disk.contains(hash)) {
                    return Err(format!(
                        "{} was told that {hash:?} is sent, and {} lacks it",
                        author.name, witness.name
                    ));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn expired_is_gone(evidence: &Evidence) -> Verdict {
    for (witness, account) in evidence.accounts().filter(|(witness, _)| !witness.clock_was_set) {
        for entry in account.entries.iter().filter(|entry| entry.payload.is_some()) {
            // A look may be a few seconds away.
            if entry.expires.is_some_and(|at| at.0 + 15_000 < witness.wall.0) {
                return Err(format!("{} keeps the words of {:?}, which expired", witness.name, entry.order.hash));
            }
        }
    }
    Ok(())
}

pub(super) fn deleted_is_gone(evidence: &Evidence) -> Verdict {
    for (witness, account) in evidence.accounts() {
        let gone: BTreeSet<EntryHash> = account
            .said()
            .filter_map(|(entry, said)| {
                let Body::About { target, act: natter_engine::wire::Act::Delete } = said else { return None };
                // Only what nobody may doubt: its author said so.
                (account.entry(target)?.order.author == entry.order.author).then_some(target)
            })
            .collect();
        for entry in account.entries.iter().filter(|entry| entry.payload.is_some()) {
            let edits = matches!(body(entry), Some(Body::About { act: natter_engine::wire::Act::Edit(_), .. }));
            let own = entry.target.and_then(|target| account.entry(target)).map(|target| target.order.author);
            let edited = edits && own == Some(entry.order.author) && entry.target.is_some_and(|t| gone.contains(&t));
            if gone.contains(&entry.order.hash) || edited {
                return Err(format!("{} keeps the words of {:?}, which were deleted", witness.name, entry.order.hash));
            }
        }
    }
    Ok(())
}
