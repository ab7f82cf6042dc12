import Engine
import WAL

/// Gathers rows, and sends them when there are some megabytes: a flush may be of any size and takes no more memory.
struct BookWriter: ~Copyable {
    /// Bytes of all tables' rows, beyond which they are sent.
    static let bytesMax = 4 << 20

    private let connection: PostgresConnection
    private let copiesNewRows: Bool
    private var rows = [CopyText](repeating: CopyText(), count: BookTable.allCases.count)
    /// Those that go into their tables as they are.
    private var newRows = [CopyText](repeating: CopyText(), count: BookTable.allCases.count)
    /// Of all tables' rows and the journal.
    private var byteCount = 0
    private var records = RecordBuffer(capacity: 512 << 10)
    private var firstRecord = LogPosition.zero
    private var lastRecord = LogPosition.zero
    private var journal = CopyText()
    /// Rows sent in this flush.
    private(set) var rowCount = 0
    /// Bytes of the log's records sent in this flush.
    private(set) var journalBytes = 0

    /// - Parameters:
    ///   - connection: whose transaction it writes in; `prepare` was called for it.
    ///   - copiesNewRows: false looks whether a row is there also where none can be.
    init(_ connection: PostgresConnection, copiesNewRows: Bool) {
        self.connection = connection
        self.copiesNewRows = copiesNewRows
    }

    /// What a connection needs before its first flush.
    static func prepare(_ connection: PostgresConnection) throws(PostgresError) {
        try connection.run(BookTable.allCases.map(\.declaration).joined(separator: "; "))
    }

    /// - Parameter isNew: the table can't have a row with this key. Then the row saves the way over the arrivals.
    mutating func row(_ table: BookTable, isNew: Bool = false, _ body: (inout CopyText) -> Void) {
        if isNew, copiesNewRows {
            byteCount += Self.add(to: &newRows[table.rawValue], body)
        } else {
            byteCount += Self.add(to: &rows[table.rawValue], body)
        }
    }

    /// - Returns: the bytes added.
    private static func add(to rows: inout CopyText, _ body: (inout CopyText) -> Void) -> Int {
        let before = rows.bytes.count
        body(&rows)
        rows.endRow()
        return rows.bytes.count - before
    }

    /// Between rows that refer to each other, so that none is sent without what it refers to.
    mutating func sendIfFull() throws(PostgresError) {
        if byteCount > Self.bytesMax { try send() }
    }

    /// Sends everything that was gathered.
    mutating func send() throws(PostgresError) {
        for table in BookTable.allCases {
            try copy(table)
            try merge(table)
        }
        if journal.rowCount > 0 {
            let columns = "first_position, last_position, records, checksum"
            try connection.copy(into: "holdfast_state.journal (\(columns))", journal.bytes)
            journal.removeAll()
        }
        byteCount = 0
    }

    private mutating func copy(_ table: BookTable) throws(PostgresError) {
        guard newRows[table.rawValue].rowCount > 0 else { return }
        let columns = table.columns.joined(separator: ", ")
        try connection.copy(into: "holdfast.\(table.name) (\(columns))", newRows[table.rawValue].bytes)
        rowCount += newRows[table.rawValue].rowCount
        newRows[table.rawValue].removeAll()
    }

    private mutating func merge(_ table: BookTable) throws(PostgresError) {
        guard rows[table.rawValue].rowCount > 0 else { return }
        try connection.copy(into: table.arrivals, rows[table.rawValue].bytes)
        // Truncating costs more than deleting, and dead rows cost every merge that follows.
        let empty = rows[table.rawValue].rowCount > 1_000 ? "TRUNCATE" : "DELETE FROM"
        try connection.run("\(table.merge); \(empty) \(table.arrivals)")
        rowCount += rows[table.rawValue].rowCount
        rows[table.rawValue].removeAll()
    }

    // MARK: The engine's own records

    /// Adds a record of the log, as it is.
    mutating func journal(_ payload: UnsafeRawBufferPointer, at position: LogPosition) {
        if records.count == 0 { firstRecord = position }
        lastRecord = position
        records.beginRecord()
        records.write(bytes: payload)
        records.endRecord()
        if records.byteCount > 256 << 10 { endJournalRow() }
    }

    /// Nothing more comes from the log in this flush.
    mutating func endJournal() { if records.count > 0 { endJournalRow() } }

    private mutating func endJournalRow() {
        journal.value(firstRecord.rawValue)
        journal.value(lastRecord.rawValue)
        records.withBytes {
            journal.value(bytes: $0)
            journal.value(crc32c($0))
        }
        journal.endRow()
        byteCount += 2 * records.byteCount
        journalBytes += records.byteCount
        records.removeAll()
    }
}
