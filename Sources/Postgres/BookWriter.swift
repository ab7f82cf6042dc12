import Engine
import WAL

/// Gathers rows, and sends them when there are some megabytes: a flush may be of any size and takes no more memory.
struct BookWriter: ~Copyable {
    /// Bytes of all tables' rows, beyond which they are sent.
    static let bytesMax = 4 << 20

    private let connection: PostgresConnection
    private var rows = [CopyText](repeating: CopyText(), count: BookTable.allCases.count)
    private var records = RecordBuffer(capacity: 512 << 10)
    private var firstRecord = LogPosition.zero
    private var lastRecord = LogPosition.zero
    private var journal = CopyText()
    /// Rows sent in this flush.
    private(set) var rowCount = 0
    /// Bytes of the log's records sent in this flush.
    private(set) var journalBytes = 0

    /// - Parameter connection: whose transaction it writes in; `prepare` was called for it.
    init(_ connection: PostgresConnection) { self.connection = connection }

    /// What a connection needs before its first flush.
    static func prepare(_ connection: PostgresConnection) throws(PostgresError) {
        try connection.run(BookTable.allCases.map(\.declaration).joined(separator: "; "))
    }

    mutating func row(_ table: BookTable, _ body: (inout CopyText) -> Void) {
        body(&rows[table.rawValue])
        rows[table.rawValue].endRow()
    }

    /// Between rows that refer to each other, so that none is sent without what it refers to.
    mutating func sendIfFull() throws(PostgresError) {
        let byteCount = rows.reduce(journal.bytes.count) { $0 + $1.bytes.count }
        if byteCount > Self.bytesMax { try send() }
    }

    /// Sends everything that was gathered.
    mutating func send() throws(PostgresError) {
        for table in BookTable.allCases where rows[table.rawValue].rowCount > 0 {
            try connection.copy(into: table.arrivals, rows[table.rawValue].bytes)
            // Truncating costs more than deleting, and dead rows cost every merge that follows.
            let empty = rows[table.rawValue].rowCount > 1_000 ? "TRUNCATE" : "DELETE FROM"
            try connection.run("\(table.merge); \(empty) \(table.arrivals)")
            rowCount += rows[table.rawValue].rowCount
            rows[table.rawValue].removeAll()
        }
        if journal.rowCount > 0 {
            try connection.copy(into: "holdfast_state.journal (first_position, last_position, records)", journal.bytes)
            journal.removeAll()
        }
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
        records.withBytes { journal.value(bytes: $0) }
        journal.endRow()
        journalBytes += records.byteCount
        records.removeAll()
    }
}
