//! Every step of every change, killed before and after each of its writes, then repeated; and two changes at once in
//! every order of their calls.

use super::{
    connection::Kill,
    world::{Run, World},
};
use crate::ring::RotateWhen;

/// More writes than any run makes.
const WRITES: usize = 5;

/// Kills the run that `prepare` returns at every write, in the world that it returns, and repeats it. Checks the world
/// after both, and `is_done` at the end. Returns how often a write was killed.
fn kill_everywhere(prepare: impl Fn() -> (World, Run), is_done: impl Fn(&World, &Run)) -> usize {
    let mut kills = 0;
    for write in 0..WRITES {
        for is_write_done in [false, true] {
            let (mut world, run) = prepare();
            let kill = Kill {
                write,
                is_done: is_write_done,
            };
            let was_killed = !world.run(&run, Some(kill), 0);
            kills += usize::from(was_killed);
            world.check();
            // Whoever signs now, and later with these keys in a cache, is accepted.
            (0..3).for_each(|signer| world.sign(signer));
            world.check();
            world.run(&run, None, 0);
            world.run(&Run::Repair, None, 0);
            world.check();
            is_done(&world, &run);
            world.wait(30);
            world.check();
        }
    }
    kills
}

/// Returns a world with keys, of which the standby may sign.
fn ready() -> World {
    let mut world = World::new();
    assert!(world.run(&Run::Repair, None, 0));
    world.wait(181);
    world
}

fn has_standby(world: &World, _: &Run) {
    assert!(world.ring().unwrap().standby().is_some());
}

#[test]
fn creating_the_keys_is_completed_by_the_next_run() {
    let kills = kill_everywhere(|| (World::new(), Run::Repair), has_standby);
    assert_eq!(kills, 4, "two writes, each killed before and after it");
}

#[test]
fn a_rotation_is_completed_by_the_next_run() {
    for when in [RotateWhen::Ready, RotateWhen::Now] {
        let kills = kill_everywhere(|| (ready(), Run::Rotate(when)), has_standby);
        assert_eq!(kills, 6, "{when:?}: three writes");
    }
}

#[test]
fn a_rotation_in_steps_is_completed_by_the_next_run() {
    let staged = || {
        let mut world = ready();
        assert!(world.run(&Run::Stage, None, 0));
        (world, Run::Finish)
    };
    let kills = kill_everywhere(staged, |world, _| {
        let ring = world.ring().unwrap();
        assert!(ring.derived_from().is_some(), "the pending ring is current");
    });
    assert_eq!(kills, 6, "three writes");
}

/// The active key, the standby, and one that no longer signs.
#[test]
fn a_revocation_is_completed_by_the_next_run() {
    for index in 0..3 {
        let rotated = || {
            let mut world = ready();
            assert!(world.run(&Run::Rotate(RotateWhen::Ready), None, 0));
            let kid = world.victim(index);
            (world, Run::RevokeKid(kid))
        };
        let kills = kill_everywhere(rotated, |world, run| {
            let Run::RevokeKid(kid) = run else {
                panic!("{run:?}");
            };
            let ring = world.ring().unwrap();
            assert!(ring.revoked().contains(kid) && !ring.contains(kid));
            assert!(world.published().find(kid).is_none());
        });
        assert_eq!(kills, 4, "key {index}: two writes");
    }
}

#[test]
fn an_import_is_completed_by_the_next_run() {
    let kills = kill_everywhere(|| (ready(), Run::Import), has_standby);
    assert_eq!(kills, 6, "three writes");
}

/// The longest case: a process reads the ring just before a rotation, cannot read it again for a day, signs with the
/// old key until then, and its last token lives for an hour.
#[test]
fn a_token_that_is_signed_with_a_cached_key_is_accepted_until_it_expires() {
    const DAY: u64 = 24 * 60;
    for clock_error in [-30, 0] {
        let mut world = ready();
        world.wait(30);
        world.sign(0);
        world.outage(true);
        let old = world.ring().unwrap().active().kid().to_owned();
        assert!(world.run(&Run::Rotate(RotateWhen::Ready), None, clock_error));
        world.wait(DAY - 1);
        assert!(world.run(&Run::Repair, None, clock_error));
        world.sign(0);
        world.wait(59);
        world.check();
        assert!(world.run(&Run::Repair, None, clock_error));
        world.check();
        world.wait(62);
        assert!(world.run(&Run::Repair, None, 0));
        assert!(world.published().find(&old).is_none(), "it disappears");
    }
}

/// A pending key is published, retires because the rotation is not finished, and is published again by a run whose
/// clock is late.
#[test]
fn a_key_that_returns_just_after_its_end_has_been_public_since_it_was_first_published() {
    let mut world = ready();
    assert!(world.run(&Run::Stage, None, 0));
    let kill = Kill {
        write: 0,
        is_done: true,
    };
    assert!(!world.run(&Run::Finish, Some(kill), 0));
    assert!(world.run(&Run::Repair, None, 0));
    world.wait(26 * 60 + 5);
    world.check();
    assert!(world.run(&Run::Finish, None, -30));
    world.check();
    world.wait(31);
    assert!(world.run(&Run::Rotate(RotateWhen::Ready), None, 0));
    world.check();
}

/// The calls of which the order is varied; later ones come as they are.
const CALLS: u32 = 8;

/// A pending rotation may be finished while a revocation of one of its keys makes it stale.
#[test]
fn two_changes_at_once_in_any_order_keep_every_promise() {
    let runs = [
        Run::Finish,
        Run::Revoke(0),
        Run::Revoke(1),
        Run::Rotate(RotateWhen::Now),
        Run::Repair,
    ];
    for (i, one) in runs.iter().enumerate() {
        for two in &runs[i..] {
            for order in 0..1_u32 << CALLS {
                let order: Vec<bool> = (0..CALLS).map(|call| (order >> call) & 1 == 1).collect();
                let mut world = ready();
                assert!(world.run(&Run::Stage, None, 0));
                (0..3).for_each(|signer| world.sign(signer));
                world.run_two(one, two, &order, 0);
                world.check();
                (0..3).for_each(|signer| world.sign(signer));
                assert!(world.run(&Run::Repair, None, 0));
                world.check();
            }
        }
    }
}
