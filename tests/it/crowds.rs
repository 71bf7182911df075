//! Three people, and eight: a party link, a mesh, words for everybody, and nobody needed in particular.

use crate::person::{Person, broker, create_room, party, timeline};
use natter_node::api::{Command, DeliveryState};
use tempfile::TempDir;

const NAMES: [&str; 8] = ["Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana"];

/// The first founds a room, the others come in by one party link, all at once; waits until everyone sees everyone.
async fn gathering(people: &mut [Person], names: &[&str]) -> String {
    let room = create_room(&mut people[0], "Party").await;
    let link = party(&people[0], &room).await;
    for person in &people[1..] {
        person.ask(Command::Join { link: link.clone() }).await;
    }
    everyone_sees_everyone(people, names).await;
    room
}

async fn everyone_sees_everyone(people: &mut [Person], names: &[&str]) {
    for (n, person) in people.iter_mut().enumerate() {
        for (other, name) in names.iter().enumerate() {
            if other != n {
                person.sees_online(name).await;
            }
        }
    }
}

async fn start(dirs: &[TempDir], names: &[&str], broker: &natter_broker::Broker) -> Vec<Person> {
    let mut people = Vec::new();
    for (dir, name) in dirs.iter().zip(names) {
        people.push(Person::start(dir.path(), name, Some(broker)).await);
    }
    people
}

fn homes(count: usize) -> Vec<TempDir> {
    (0..count).map(|_| tempfile::tempdir().expect("a directory")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_third_member_brings_what_was_said_while_one_was_away_and_the_speaker_is_gone() {
    let names = &NAMES[..3];
    let dirs = homes(3);
    let broker = broker().await;
    let mut people = start(&dirs, names, &broker).await;
    let room = gathering(&mut people, names).await;
    let cleo = people.pop().expect("three");
    cleo.node.shutdown().await;

    let words = people[0].say(&room, "Cleo will hear this from Ben").await;
    people[1].sees_text("Cleo will hear this from Ben").await;
    people[0].sees_delivery(&words, DeliveryState::HeldBySome).await;
    people.remove(0).node.shutdown().await;

    let mut cleo = Person::start(dirs[2].path(), "Cleo", Some(&broker)).await;
    cleo.sees_text("Cleo will hear this from Ben").await;
    let ben = people.pop().expect("one is left");
    assert_eq!(timeline(&cleo, &room).await, timeline(&ben, &room).await);
    for person in [ben, cleo] {
        person.node.shutdown().await;
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_people_come_in_at_once_hear_each_other_in_one_order_and_are_back_at_once() {
    let dirs = homes(NAMES.len());
    let broker = broker().await;
    let mut people = start(&dirs, &NAMES, &broker).await;
    let room = gathering(&mut people, &NAMES).await;
    for (person, name) in people.iter().zip(NAMES) {
        person.say(&room, &format!("{name} is here")).await;
    }
    for person in &mut people {
        for name in NAMES {
            person.sees_text(&format!("{name} is here")).await;
        }
    }
    let order = timeline(&people[0], &room).await;
    for person in &people[1..] {
        assert_eq!(timeline(person, &room).await, order, "one order for all");
    }
    for person in people {
        person.node.shutdown().await;
    }
    let mut people = start(&dirs, &NAMES, &broker).await;
    everyone_sees_everyone(&mut people, &NAMES).await;
    let last = people[7].say(&room, "all back").await;
    for person in &mut people[..7] {
        person.sees_text("all back").await;
    }
    people[7].sees_delivery(&last, DeliveryState::HeldByAll).await;
    for person in people {
        person.node.shutdown().await;
    }
    broker.stop().await;
}
