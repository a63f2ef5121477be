//! Prints how fast functions are with the share of a processor that comes with each memory size, through TLS, and
//! what their responses cost.

use crate::{
    figures::{Figures, find},
    price::{self, per_million},
    report::millis,
    subject::{
        FORMER_ME_TLS, GET_ITEM_FAR_TLS, GET_ITEM_FEW_ROOTS, GET_ITEM_TLS, LOGIN_FAR_TLS,
        LOGIN_TLS, ME_FAR_TLS, ME_TLS, SIZES,
    },
};

/// Prints a table for services on this machine, and one for services that are further away.
pub(crate) fn print(all: &[Figures]) {
    let near = [
        GET_ITEM_TLS,
        GET_ITEM_FEW_ROOTS,
        ME_TLS,
        FORMER_ME_TLS,
        LOGIN_TLS,
    ];
    let far = [GET_ITEM_FAR_TLS, ME_FAR_TLS, LOGIN_FAR_TLS];
    print_table(all, &near);
    print_table(all, &far);
}

/// Prints one line per subject and memory size. The first subject is the peer of the others.
fn print_table(all: &[Figures], names: &[&str]) {
    println!(
        "\n| function | memory | first response p50 | of GetItem's | mean | warm p50 | of GetItem's | mean | per million warm, x86_64 | arm64 |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for name in names {
        for megabytes in SIZES {
            let figures = find(all, name, Some(megabytes));
            let peer = find(all, names[0], Some(megabytes));
            // The former `me` is measured only on request.
            if let (Some(figures), Some(peer)) = (figures, peer) {
                print_row(figures, peer, megabytes);
            }
        }
    }
}

fn print_row(figures: &Figures, peer: &Figures, megabytes: u32) {
    let first = |figures: &Figures| figures.median(|one| one.first_response);
    let price = |gb_second| per_million(figures.warm_times(), megabytes, gb_second);
    println!(
        "| {} | {megabytes} MB | {} | {:.2} | {} | {} | {:.2} | {} | ${:.2} | ${:.2} |",
        figures.name,
        millis(first(figures)),
        first(figures).div_duration_f64(first(peer)),
        millis(figures.mean_first_response()),
        millis(figures.warm(50)),
        figures.warm(50).div_duration_f64(peer.warm(50)),
        millis(figures.mean_warm()),
        price(price::X86_64),
        price(price::ARM64),
    );
}
