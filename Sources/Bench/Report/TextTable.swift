/// Columns that line up: the first ones to the left, the others to the right.
struct TextTable {
    private var rows: [[String]]
    private let leftColumns: Int

    init(header: [String], leftColumns: Int = 1) {
        rows = [header]
        self.leftColumns = leftColumns
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == rows[0].count, "a row has as many cells as the header")
        rows.append(row)
    }

    func render() -> String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column < leftColumns ? cell + padding : padding + cell
            }
            return cells.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}
