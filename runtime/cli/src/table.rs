//! Tables whose columns are as wide as their widest cell: with a tab after each, as some of Kafka's tools print them, and ours.

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

/// The table of a command of ours: two blanks between columns, none at the end of a line; numbers stand to the right.
pub fn aligned(header: &[&str], rows: &[Vec<String>]) -> String {
    let cells = |at: usize| rows.iter().map(move |row| row[at].as_str());
    let width = |at: usize| cells(at).map(|cell| cell.chars().count()).chain([header[at].len()]).max().unwrap_or(0);
    let is_number = |at: usize| !rows.is_empty() && cells(at).all(|cell| cell.parse::<i64>().is_ok() || cell == "-");
    let columns: Vec<(usize, bool)> = (0..header.len()).map(|at| (width(at), is_number(at))).collect();
    let line = |cells: Vec<&str>| {
        let cell = |(cell, (width, right)): (&str, &(usize, bool))| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        };
        let cells: Vec<String> = cells.into_iter().zip(&columns).map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
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

    #[test]
    fn numbers_stand_to_the_right() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["a", "9", "x"]), row(["longer", "100", ""])];
        assert_eq!(aligned(&["NAME", "N", "NOTE"], &rows), "NAME      N  NOTE\na         9  x\nlonger  100\n");
        assert_eq!(aligned(&["NAME"], &[]), "NAME\n");
    }
}
