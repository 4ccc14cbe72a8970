//! Tables for people.

use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Left-aligned columns, two spaces between them. Letters of Chinese, Japanese and Korean are two columns
/// wide on a terminal; control characters, which a name may hold, are shown and not obeyed.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| shown(cell))).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (width, cell) in widths.iter().zip(row) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.width() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// One fact in a line: its name, then its value.
pub(crate) fn fact(text: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{name:<24} {}", shown(value));
}

/// Text in one line in which nothing moves the cursor or changes colours.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns() {
        let rows = [["山田^太郎", "x"], ["DOE", "y"]].map(|row| row.map(str::to_owned));
        assert_eq!(columns(&rows), "山田^太郎  x\nDOE        y\n");
    }

    #[test]
    fn nothing_in_a_name_moves_the_cursor() {
        assert_eq!(shown("A\r\nB\u{1b}[31mC\u{202e}"), "A\\r\\nB\\u{1b}[31mC\\u{202e}");
        let mut text = String::new();
        fact(&mut text, "name", "A\nB");
        assert_eq!(text, format!("{:<24} A\\nB\n", "name"));
    }
}
