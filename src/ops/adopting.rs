//! Whole states put in the place of what is there: adopting a `terraform.tfstate`, and `state push`.

use std::sync::Arc;

use crate::model::Diagnostic;
use crate::state::{Change, Snapshot};

/// What replacing a state comes to; nothing where it is the same already. Without `force`, a state of another lineage
/// or one that is older is refused.
pub fn replace(current: &Snapshot, mut new: Snapshot, force: bool) -> Result<Option<Change>, Diagnostic> {
    let refuse = |why: String| Err(Diagnostic::error(why).help("look at both states; -force does it all the same"));
    let fresh = current.serial == 0 && current.is_empty();
    if fresh {
        return Ok(Some(Change::Replace(Arc::new(new))));
    }
    if same_content(current, &new) {
        return Ok(None);
    }
    if !force && new.lineage != current.lineage && !new.lineage.is_empty() {
        return refuse(format!(
            "cannot import state with lineage \"{}\" over unrelated state with lineage \"{}\"",
            new.lineage, current.lineage
        ));
    }
    if !force && new.serial < current.serial {
        let (new, current) = (new.serial, current.serial);
        return refuse(format!("cannot import state with serial {new} over newer state with serial {current}"));
    }
    if !force && new.serial == current.serial {
        return refuse(format!(
            "cannot overwrite existing state with serial {} with a different state that has the same serial",
            new.serial
        ));
    }
    // Serials only rise: what was read before must not pass for what is there now.
    new.serial = new.serial.max(current.serial + 1);
    Ok(Some(Change::Replace(Arc::new(new))))
}

fn same_content(a: &Snapshot, b: &Snapshot) -> bool {
    // When a row was written is no part of what it says.
    let bare = |s: &Snapshot| {
        let row = |r: &Arc<crate::state::StoredInstance>| {
            Arc::new(crate::state::StoredInstance { created: 0, updated: 0, ..(**r).clone() })
        };
        let mut bare = s.clone().with_rows(s.rows().iter().map(row).collect());
        bare.written_by = "".into();
        bare
    };
    bare(a) == bare(b)
}

/// What adopting a state comes to: the present one must be empty unless `force` says otherwise.
pub fn adopt(current: &Snapshot, new: Snapshot, force: bool) -> Result<Option<Change>, Diagnostic> {
    if !current.is_empty() && !force && new.lineage != current.lineage {
        return Err(Diagnostic::error("there is a state already")
            .detail(format!("it has {} objects", current.rows().len()))
            .help("adopt into a workspace of its own (terrane workspace new NAME), or use -force to replace it"));
    }
    replace(current, new, force)
}
