//! A panic in production code is only ever a broken invariant, and that invariant is written down.

use crate::sources;

/// How far above the call the sentence may stand: an attribute and a chain of calls fit between.
const LINES_ABOVE: usize = 6;

#[test]
fn every_unwrap_states_its_invariant() {
    let mut offences = Vec::new();
    for source in sources::rust() {
        let lines = source.production();
        for (index, (number, line)) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if !code.contains(".unwrap()") && !code.contains(".expect(\"") && !code.contains(".expect(&") {
                continue;
            }
            let from = index.saturating_sub(LINES_ABOVE);
            if !lines[from..=index].iter().any(|(_, line)| line.contains("// INVARIANT:")) {
                offences.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    sources::none(&offences, "say why this cannot fail, in a comment that begins with INVARIANT:");
}
