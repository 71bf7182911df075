//! What must never not be so, but costs too much to look at all the time: nothing on a disk is forged, nobody has what
//! was not given to them, and what is shown is what is there.

use super::evidence::{Account, Evidence, Verdict, Witness, header};
use natter_engine::ids::{DeviceId, EntryHash, LogKey};
use natter_engine::messages::branches::branch;
use natter_engine::port::{Role, Standing, StoredEntry};
use natter_engine::wire::{Body, Entry, kind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How far beyond its first sight a message may claim to have been written.
const FUTURE: Duration = Duration::from_secs(5 * 60);

/// Holds every record of a room against something.
fn each(evidence: &Evidence, check: impl Fn(&Account) -> Verdict) -> Verdict {
    for (witness, account) in evidence.accounts() {
        check(account).map_err(|why| format!("{}: {why}", witness.name))?;
    }
    Ok(())
}

pub(super) fn signatures_hold(evidence: &Evidence) -> Verdict {
    // Each once: twenty disks hold the same.
    let mut good: BTreeSet<(EntryHash, [u8; 64], bool)> = BTreeSet::new();
    for (witness, account) in evidence.accounts() {
        for stored in &account.entries {
            let key = (stored.order.hash, stored.signature, stored.payload.is_some());
            if good.contains(&key) && stored.log.author == stored.order.author {
                continue;
            }
            let entry = Entry {
                header: stored.header.clone(),
                signature: stored.signature,
                salt: stored.salt,
                payload: stored.payload.clone(),
            };
            let opened = entry.open();
            let honest = opened.as_ref().is_ok_and(|(header, hash)| {
                // An entry behind a fork is filed in a branch, which `forks` looks after.
                header.log.author == stored.log.author
                    && header.log.author == stored.order.author
                    && *hash == stored.order.hash
                    && header.seq == stored.seq
                    && header.kind == stored.kind
                    && header.room_of(*hash) == account.view.room
            });
            if !honest {
                return Err(format!("{} stored an entry that is not what it seems: {opened:?}", witness.name));
            }
            good.insert(key);
        }
    }
    Ok(())
}

pub(super) fn forgeries_are_refused(evidence: &Evidence) -> Verdict {
    each(evidence, |account| match account.entries.iter().find(|entry| evidence.forged.contains(&entry.order.hash)) {
        Some(entry) => Err(format!("{:?} was forged and is kept", entry.order.hash)),
        None => Ok(()),
    })
}

pub(super) fn causes_come_first(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut seen: BTreeSet<EntryHash> = BTreeSet::new();
        for stored in &account.entries {
            let header = header(stored)?;
            for cause in header.parents.iter().chain(&header.prev) {
                if !seen.contains(cause) {
                    return Err(format!("{:?} stands before its cause {cause:?}", stored.order.hash));
                }
            }
            seen.insert(stored.order.hash);
        }
        Ok(())
    })
}

pub(super) fn chains_hold(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let places: BTreeMap<EntryHash, (LogKey, u64)> =
            account.entries.iter().map(|entry| (entry.order.hash, (entry.log, entry.seq))).collect();
        let mut heads: BTreeMap<LogKey, (u64, EntryHash)> = BTreeMap::new();
        for stored in by_log(account) {
            // A branch goes on from where the log that was written twice ends.
            let parent = || {
                let prev = header(stored).ok()?.prev?;
                let (log, seq) = places.get(&prev)?;
                (branch(*log, stored.order.hash) == stored.log).then_some((*seq, prev))
            };
            let before = heads.get(&stored.log).copied().or_else(parent);
            let follows = before.map_or(0, |(seq, _)| seq) + 1 == stored.seq;
            if !follows || header(stored)?.prev != before.map(|(_, hash)| hash) {
                return Err(format!("place {} of {:?} does not follow the one before it", stored.seq, stored.log));
            }
            heads.insert(stored.log, (stored.seq, stored.order.hash));
        }
        Ok(())
    })
}

pub(super) fn one_entry_a_place(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut places = BTreeSet::new();
        match account.entries.iter().find(|entry| !places.insert((entry.log, entry.seq))) {
            Some(entry) => Err(format!("two entries at place {} of {:?}", entry.seq, entry.log)),
            None => Ok(()),
        }
    })
}

pub(super) fn once_on_disk(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        if account.entries.is_sorted_by(|a, b| a.order < b.order) {
            return Ok(());
        }
        Err("the timeline is out of order, or has an entry twice".into())
    })
}

pub(super) fn clocks_rise(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut last = BTreeMap::new();
        for stored in by_log(account) {
            let clock = stored.order.clock;
            if last.insert(stored.log, clock).is_some_and(|before| before >= clock) {
                return Err(format!("the clock of {:?} does not rise at {}", stored.log, stored.seq));
            }
        }
        Ok(())
    })
}

pub(super) fn own_clocks_rise(evidence: &Evidence) -> Verdict {
    let mut honest: BTreeSet<DeviceId> = evidence.honest().map(|witness| witness.device).collect();
    honest.retain(|device| evidence.people.iter().all(|witness| witness.device != *device || witness.honest));
    each(evidence, |account| {
        let mut signed: BTreeMap<EntryHash, u64> = BTreeMap::new();
        for stored in account.entries.iter() {
            let header = header(stored)?;
            let causes = header.parents.iter().chain(&header.prev).filter_map(|cause| signed.get(cause));
            if honest.contains(&stored.order.author) && causes.max().is_some_and(|latest| *latest >= header.clock.0) {
                return Err(format!("{:?} was signed with a clock not above its causes'", stored.order.hash));
            }
            // What others make of a clock that claims too little.
            signed.insert(stored.order.hash, header.clock.0.max(stored.order.clock.0));
        }
        Ok(())
    })
}

pub(super) fn shown_times_are_sane(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut shown = BTreeMap::new();
        for stored in &account.entries {
            let header = header(stored)?;
            let causes = header.parents.iter().chain(&header.prev).filter_map(|cause| shown.get(cause)).max().copied();
            let latest = stored.first_seen.0 + FUTURE.as_millis() as u64;
            if causes.is_some_and(|causes| causes > stored.shown.0) {
                return Err(format!("{:?} is shown as written before its causes", stored.order.hash));
            }
            if stored.shown.0 > latest.max(causes.unwrap_or(0)) {
                return Err(format!("{:?} is shown as written in the future", stored.order.hash));
            }
            shown.insert(stored.order.hash, stored.shown.0);
        }
        Ok(())
    })
}

pub(super) fn only_the_admitted_are_kept(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut admitted: BTreeSet<DeviceId> = BTreeSet::new();
        for (entry, body) in account.said().filter(|(entry, _)| entry.kind < kind::FIRST_MESSAGE) {
            match body {
                Body::Admit { device, .. } if admitted.contains(&entry.order.author) => {
                    admitted.insert(device);
                }
                Body::Device { device, .. } if admitted.contains(&entry.order.author) => {
                    admitted.insert(device);
                }
                Body::Genesis { .. } => {
                    admitted.insert(entry.order.author);
                }
                Body::Admit { .. }
                | Body::Device { .. }
                | Body::Invite(_)
                | Body::Leave { .. }
                | Body::RevokeInvite { .. }
                | Body::Remove { .. }
                | Body::Grant { .. }
                | Body::Revoke { .. }
                | Body::Room(_)
                | Body::Text(_)
                | Body::Picture(_)
                | Body::About { .. }
                | Body::Profile(_)
                | Body::Receipt { .. } => {}
            }
        }
        match account.entries.iter().find(|entry| !admitted.contains(&entry.order.author)) {
            Some(entry) => Err(format!("keeps an entry of {:?}, whom nobody let in", entry.order.author)),
            None => Ok(()),
        }
    })
}

/// Who founded the room, and everyone whom somebody of these ever named an admin: nobody else has the right to name,
/// remove or rename.
fn entitled(account: &Account) -> BTreeSet<DeviceId> {
    let mut entitled: BTreeSet<DeviceId> = BTreeSet::new();
    for (entry, body) in account.said() {
        match body {
            // A right is a person's, whichever of their devices was named.
            Body::Genesis { .. } => entitled.extend(account.kin(entry.order.author)),
            Body::Grant { device, role: Role::Admin } if entitled.contains(&entry.order.author) => {
                entitled.extend(account.kin(device));
            }
            Body::Grant { .. }
            | Body::Invite(_)
            | Body::Admit { .. }
            | Body::Device { .. }
            | Body::Leave { .. }
            | Body::RevokeInvite { .. }
            | Body::Remove { .. }
            | Body::Revoke { .. }
            | Body::Room(_)
            | Body::Text(_)
            | Body::Picture(_)
            | Body::About { .. }
            | Body::Profile(_)
            | Body::Receipt { .. } => {}
        }
    }
    entitled
}

pub(super) fn roles_are_given(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let entitled = entitled(account);
        match account.view.members.iter().find(|m| m.role >= Role::Admin && !entitled.contains(&m.device)) {
            Some(member) => Err(format!("{:?} is {:?}, and nobody with the right said so", member.device, member.role)),
            None => Ok(()),
        }
    })
}

pub(super) fn one_founder(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let founder = account.entries.iter().find(|entry| entry.kind == kind::GENESIS).map(|entry| entry.order.author);
        let creators: Vec<DeviceId> =
            account.view.members.iter().filter(|m| m.role == Role::Creator).map(|m| m.device).collect();
        let theirs = founder.map(|founder| account.kin(founder)).unwrap_or_default();
        if creators.iter().all(|creator| theirs.contains(creator)) {
            return Ok(());
        }
        Err(format!("founded by {founder:?}, with the creators {creators:?}"))
    })
}

pub(super) fn who_is_out_went_or_was_removed(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let entitled = entitled(account);
        let mut out: BTreeSet<DeviceId> = BTreeSet::new();
        for (entry, body) in account.said() {
            if matches!(body, Body::Leave { .. }) {
                out.extend(account.kin(entry.order.author));
            }
            if let Body::Remove { device, .. } = body {
                let theirs = account.kin(device);
                if theirs.contains(&entry.order.author) {
                    out.insert(device);
                } else if entitled.contains(&entry.order.author) {
                    out.extend(theirs);
                }
            }
        }
        match account.view.former.iter().find(|(device, _)| !out.contains(device)) {
            Some((device, _)) => {
                Err(format!("{device:?} is out, did not leave and nobody with the right removed them"))
            }
            None => Ok(()),
        }
    })
}

pub(super) fn the_founder_stays(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let Some(founding) = account.entries.iter().find(|entry| entry.kind == kind::GENESIS) else { return Ok(()) };
        let founder = founding.order.author;
        let theirs = account.kin(founder);
        // By their own word, or that of another device of theirs.
        let own_words = [kind::LEAVE, kind::REMOVE];
        let by_them = |entry: &StoredEntry| theirs.contains(&entry.order.author);
        let several = theirs.len() > 1;
        let went = |entry: &StoredEntry| entry.kind == kind::LEAVE || several && own_words.contains(&entry.kind);
        let left = account.entries.iter().any(|entry| by_them(entry) && went(entry));
        if left || account.view.members.iter().any(|member| theirs.contains(&member.device)) {
            return Ok(());
        }
        Err(format!("the founder {founder:?} is out and never left"))
    })
}

pub(super) fn rooms_are_named_rightly(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let entitled = entitled(account);
        let names: BTreeSet<String> = account
            .said()
            .filter_map(|(entry, body)| match body {
                Body::Genesis { name, .. } => Some(name),
                Body::Room(room) if entitled.contains(&entry.order.author) => room.name,
                Body::Room(_)
                | Body::Invite(_)
                | Body::Admit { .. }
                | Body::Device { .. }
                | Body::Leave { .. }
                | Body::RevokeInvite { .. }
                | Body::Remove { .. }
                | Body::Grant { .. }
                | Body::Revoke { .. }
                | Body::Text(_)
                | Body::Picture(_)
                | Body::About { .. }
                | Body::Profile(_)
                | Body::Receipt { .. } => None,
            })
            .collect();
        if names.contains(&account.view.name) {
            return Ok(());
        }
        Err(format!("the room is called {:?}, and nobody with the right named it so", account.view.name))
    })
}

pub(super) fn members_came_by_invite(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut made = BTreeSet::new();
        let mut came = BTreeSet::new();
        for (entry, body) in account.said().filter(|(entry, _)| entry.kind < kind::FIRST_MESSAGE) {
            match body {
                Body::Genesis { .. } => {
                    came.insert(entry.order.author);
                }
                Body::Invite(invite) => {
                    made.insert(invite.invite);
                }
                Body::Admit { device, invite, .. } if made.contains(&invite) => {
                    came.insert(device);
                }
                Body::Device { device, .. } if came.contains(&entry.order.author) => {
                    came.insert(device);
                }
                Body::Admit { .. }
                | Body::Device { .. }
                | Body::Leave { .. }
                | Body::RevokeInvite { .. }
                | Body::Remove { .. }
                | Body::Grant { .. }
                | Body::Revoke { .. }
                | Body::Room(_)
                | Body::Text(_)
                | Body::Picture(_)
                | Body::About { .. }
                | Body::Profile(_)
                | Body::Receipt { .. } => {}
            }
        }
        match account.view.members.iter().find(|member| !came.contains(&member.device)) {
            Some(member) => Err(format!("{:?} is in, and came by no invite", member.device)),
            None => Ok(()),
        }
    })
}

pub(super) fn accomplices_stay_out(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let entitled = entitled(account);
        let in_by = |device: &DeviceId| evidence.accomplices.get(device).filter(|liar| !entitled.contains(liar));
        match account.view.members.iter().find(|member| in_by(&member.device).is_some()) {
            Some(member) => Err(format!("{:?} was let in by somebody who may not", member.device)),
            None => Ok(()),
        }
    })
}

pub(super) fn all_is_shown(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let is_hidden = |entry: &&StoredEntry| account.counts(entry) && !account.shown.contains(&entry.order.hash);
        let hidden: Vec<(LogKey, u64)> =
            account.entries.iter().filter(is_hidden).map(|entry| (entry.log, entry.seq)).collect();
        if hidden.is_empty() { Ok(()) } else { Err(format!("entries that count were never shown: {hidden:?}")) }
    })
}

pub(super) fn what_is_shown_is_there(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let here: BTreeSet<EntryHash> = account.entries.iter().map(|entry| entry.order.hash).collect();
        match account.shown.difference(&here).count() {
            0 => Ok(()),
            count => Err(format!("{count} entries that were shown are not on the disk")),
        }
    })
}

pub(super) fn acknowledged_stays(evidence: &Evidence) -> Verdict {
    // Whose disk was put back gets it from others, while they are members: that is "acknowledged arrives".
    for (witness, account) in evidence.accounts().filter(|(witness, _)| !witness.put_back) {
        let here: BTreeSet<EntryHash> = account.entries.iter().map(|entry| entry.order.hash).collect();
        if let Some(hash) = account.acknowledged.iter().find(|hash| !here.contains(hash)) {
            return Err(format!("{}: was told that {hash:?} is sent, and it is not on its own disk", witness.name));
        }
    }
    Ok(())
}

pub(super) fn a_restart_finds_it_all(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        let mut heads: BTreeMap<LogKey, u64> = BTreeMap::new();
        for entry in &account.entries {
            let head = heads.entry(entry.log).or_insert(0);
            *head = entry.seq.max(*head);
        }
        if heads == account.heads { Ok(()) } else { Err("a restart would go on from other heads".into()) }
    })
}

pub(super) fn views_name_the_heads(evidence: &Evidence) -> Verdict {
    each(evidence, |account| {
        for member in &account.view.members {
            for (log, seq) in &member.heads {
                // A view may be a little older than the disk, never newer.
                if account.heads.get(log).is_none_or(|head| head < seq) {
                    return Err(format!("shows {seq} entries of {log:?}, more than the disk has"));
                }
            }
        }
        Ok(())
    })
}

pub(super) fn who_is_in_says_so(evidence: &Evidence) -> Verdict {
    for (witness, account) in evidence.accounts() {
        let listed = account.view.members.iter().any(|member| member.device == witness.device);
        let claims = account.view.standing == Standing::Member;
        if listed != claims {
            return Err(format!("{} stands as {:?} and is listed: {listed}", witness.name, account.view.standing));
        }
    }
    Ok(())
}

pub(super) fn nothing_is_left_of_forgotten_rooms(evidence: &Evidence) -> Verdict {
    match evidence.honest().find(|witness| witness.leftovers > 0) {
        Some(witness) => Err(format!("{} keeps {} entries of rooms it forgot", witness.name, witness.leftovers)),
        None => Ok(()),
    }
}

pub(super) fn the_removed_read_nothing_new(evidence: &Evidence) -> Verdict {
    // Whoever breaks the rules may pass on what they like.
    if evidence.people.iter().any(|witness| !witness.honest) {
        return Ok(());
    }
    for (witness, account) in evidence.accounts().filter(|(_, account)| account.view.standing == Standing::Gone) {
        check_removed(witness, account)?;
    }
    Ok(())
}

fn check_removed(witness: &Witness, account: &Account) -> Verdict {
    let mut removals = Vec::new();
    let mut admissions = Vec::new();
    for (entry, body) in account.said() {
        match body {
            Body::Remove { device, .. } if device == witness.device => removals.push(entry.order.hash),
            Body::Remove { device, .. }
                if account.kin(witness.device).contains(&device)
                    && !account.kin(witness.device).contains(&entry.order.author) =>
            {
                removals.push(entry.order.hash);
            }
            Body::Admit { device, .. } | Body::Device { device, .. } if device == witness.device => {
                admissions.push(entry.order.hash);
            }
            Body::Remove { .. }
            | Body::Admit { .. }
            | Body::Device { .. }
            | Body::Genesis { .. }
            | Body::Invite(_)
            | Body::Leave { .. }
            | Body::RevokeInvite { .. }
            | Body::Grant { .. }
            | Body::Revoke { .. }
            | Body::Room(_)
            | Body::Text(_)
            | Body::Picture(_)
            | Body::About { .. }
            | Body::Profile(_)
            | Body::Receipt { .. } => {}
        }
    }
    let mut after: Vec<usize> = Vec::new();
    for removal in &removals {
        let mut later: BTreeSet<EntryHash> = BTreeSet::from([*removal]);
        let mut others = 0;
        for entry in &account.entries {
            let header = header(entry)?;
            if header.parents.iter().chain(&header.prev).any(|cause| later.contains(cause)) {
                later.insert(entry.order.hash);
                others += usize::from(entry.order.author != witness.device);
            }
        }
        if !admissions.iter().any(|admission| later.contains(admission)) {
            after.push(others);
        }
    }
    // Of several at once one may not have counted; the one that did had nothing after it.
    match after.iter().min() {
        Some(least) if *least > 0 => {
            Err(format!("{} was removed and holds {least} entries that were written after it", witness.name))
        }
        Some(_) | None => Ok(()),
    }
}

/// Entries of each log in their places.
fn by_log(account: &Account) -> Vec<&StoredEntry> {
    let mut entries: Vec<&StoredEntry> = account.entries.iter().collect();
    entries.sort_by_key(|entry| (entry.log, entry.seq));
    entries
}
