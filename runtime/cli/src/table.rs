//! Tables whose columns are as wide as their widest cell, a tab after each, as some of Kafka's tools print them.

/// The table; every row has as many cells as the header.
pub fn tabbed(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).chain([header[at].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells: String = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}\t")).collect();
        cells + "\n"
    };
    let mut text = line(header.to_vec());
    rows.iter().for_each(|row| text.push_str(&line(row.iter().map(String::as_str).collect())));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["1".to_owned(), "longer".to_owned()]];
        assert_eq!(tabbed(&["Id", "Name"], &rows), "Id\tName  \t\n1 \tlonger\t\n");
        assert_eq!(tabbed(&["Id"], &[]), "Id\t\n");
    }
}
