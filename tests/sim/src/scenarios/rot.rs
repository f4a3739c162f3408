//! A bit flips while the broker is down. What was acknowledged is served as it was, or an error says where it has rotted; nothing is
//! served wrong, nothing ends early, and nothing is deleted: with the bit flipped back, everything is there.
//!
//! Before the bit flips the run is at rest and the last entry sealed, so no entry is in doubt. One bit at a time: a file is damaged
//! once. Leaves the run before that to `world`.

use crate::{audit::Damage, check::Checked, disk::Death, process::StartError, world::World};

/// Bits flipped after each run, one after the other.
const FLIPS: u64 = 3;

/// The story, after a run without deaths.
pub fn tell(world: &mut World) -> Checked {
    world.plan.deaths = 0;
    world.work()?;
    for _ in 0..FLIPS {
        world.rest()?;
        world.die_by(Death::Kill);
        let Some((path, bit)) = world.disk.rot() else { return Ok(()) };
        world.trace.step(0, "rot", &[bit, crate::trace::sum(path.as_bytes())]);
        world.trace.say(0, format_args!("    bit {bit} of {path}"));
        let rotten = |what: String| format!("after bit {bit} of {path} flipped: {what}");
        start_on_damage(world).map_err(rotten)?;
        world.die_by(Death::Kill);
        world.disk.flip(&path, bit);
        world.start().map_err(|what| format!("after bit {bit} of {path} flipped, and back: {what}"))?;
    }
    Ok(())
}

fn start_on_damage(world: &mut World) -> Checked {
    // A start that finds no room has readied the folder before it says so: that is another story.
    world.disk.capacity(None);
    let before = world.disk.everything();
    match world.try_start() {
        Ok(process) => world.go_on(process, Damage::Possible),
        Err(error) => {
            world.trace.say(0, format_args!("    {error}"));
            // What the core refuses, the store has readied for it; what the store refuses, it has not touched.
            let untouched = world.disk.everything() == before;
            match error {
                StartError::Store(_) if !untouched => {
                    Err(format!("the folder was changed by a start that failed: {error}"))
                }
                _ => Ok(()),
            }
        }
    }
}
