import Foundation
import PostgresServer
import Testing
import WAL

@testable import Engine
@testable import Postgres
@testable import ReferenceModel

/// Every column of every row is what the state says: the columns are the tables' own, so none is forgotten.
@Suite(.timeLimit(.minutes(2))) struct WholeRowTests {
    /// Of what only the log tells: held against the records elsewhere.
    private static let ofTheLog: Set<String> = ["refunded_at"]

    private static func columns(of table: BookTable, _ connection: PostgresConnection) throws -> [String: String] {
        let rows = try connection.rows(
            """
            SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
            WHERE attrelid = 'holdfast.\(table.name)'::regclass AND attnum > 0 AND NOT attisdropped
            """
        )
        return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", $0[1] ?? "") })
    }

    /// What is in the table, times in milliseconds.
    private static func found(
        _ table: BookTable,
        _ condition: String,
        _ connection: PostgresConnection
    ) throws -> [WholeRows.Row] {
        let types = try columns(of: table, connection)
        let names = types.keys.sorted().filter { !ofTheLog.contains($0) }
        let list = names.map { name in
            types[name] == "timestamp with time zone"
                ? "(extract(epoch FROM \(name)) * 1000)::bigint" : name
        }
        return try connection.rows("SELECT \(list.joined(separator: ", ")) FROM holdfast.\(table.name) r \(condition)")
            .map {
                Dictionary(uniqueKeysWithValues: zip(names, $0))
            }
    }

    private static func expectRows(_ ledger: BooksTests.Ledger, of events: [EventInventory]) throws -> Int {
        let connection = try ledger.connect()
        var count = 0
        for table in BookTable.allCases {
            guard let parts = events.map({ WholeRows(of: $0).rows(of: table) }) as? [[WholeRows.Row]] else { continue }
            let expected = parts.flatMap { $0 }
            // Of a slot that was used again earlier holds may be there, ended.
            let isOfHold = ["reservations", "order_lines"].contains(table.name)
            let condition =
                isOfHold
                ? "WHERE generation = (SELECT max(generation) FROM holdfast.reservations s "
                    + "WHERE (s.event_key, s.slot) = (r.event_key, r.slot))" : ""
            let found = try found(table, condition, connection)
            for row in Set(found).subtracting(expected).prefix(2) {
                Issue.record("\(table.name): \(row) is not in the state")
            }
            for row in Set(expected).subtracting(found).prefix(2) {
                Issue.record("\(table.name): \(row) is not in the books")
            }
            #expect(found.count == expected.count, "\(table.name)")
            #expect(!expected.isEmpty, "\(table.name): nothing was compared")
            count += 1
        }
        return count
    }

    @Test(arguments: [101, 102] as [UInt64]) func everyColumnIsTheStates(seed: UInt64) throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: seed)
        try sale.addVenues()
        let keeper = try ledger.keeper(of: sale)
        for _ in 0..<4 {
            try sale.run(300)
            _ = try keeper.flush()
        }
        let events = sale.sales.map(\.inventory) + [try #require(sale.tenant)]
        #expect(try Self.expectRows(ledger, of: events) == 10)
        #expect(try BooksRestore.read(url: ledger.server.url(ledger.database)).replay.digest == sale.digest)
    }

    @Test func theAuditSaysWhatTheRecordsSay() throws {
        let ledger = try BooksTests.Ledger()
        let sale = try BookSale(seed: 103)
        try sale.addVenues()
        try sale.run(500)
        _ = try ledger.keeper(of: sale).flush()
        let ids = Dictionary(uniqueKeysWithValues: sale.sales.map { ($0.inventory.key, $0.inventory.details.id) })
        var expected: [WholeRows.Row] = []
        let reader = try sale.log.makeReader()
        var next = LogPosition(1)
        while next <= sale.log.durablePosition {
            next = try reader.read(from: next, bytesMax: 1 << 20) { position, payload in
                let record = try EventRecord(payload)
                guard !record.facts.isEmpty else { return true }
                let hold = record.facts.compactMap(\.hold).first
                expected.append([
                    "position": "\(position)", "event_key": "\(Int64(bitPattern: record.event.rawValue))",
                    "tenant_id": "\(sale.sales[0].inventory.tenant)", "event_id": ids[record.event]?.description,
                    "decided_at": "\(record.at)",
                    "actor": record.whoAsked.isEmpty ? nil : record.whoAsked.description,
                    "actions": "{\(record.facts.map { "\($0.action)" }.joined(separator: ","))}",
                    "slot": hold.map { "\($0.slot)" }, "generation": hold.map { "\($0.generation)" },
                ])
                return true
            }
        }
        let found = try Self.found(.audit, "ORDER BY position", ledger.connect())
        #expect(found.count == expected.count && expected.count > 200)
        for (row, right) in zip(found, expected) where row != right {
            Issue.record("\(row) instead of \(right)")
            break
        }
    }
}

extension BookSale {
    /// A tenant with venues, which belong to no event.
    func addVenues() throws {
        let first = try #require(sales.first?.inventory)
        var venue = VenueDetails(id: "hall", name: "Hall, \"old\"\t\\", maximumCapacity: 1_234)
        venue.address.street = "Street 1"
        venue.address.city = "City"
        venue.address.state = "State"
        venue.address.postalCode = "01234"
        venue.address.country = "Country"
        venue.attributes = #""stage":{"width":12}"#
        let context = CommandContext(tenant: first.tenant, now: first.createdAt + 17, random: (1, 2))
        let decision = try EventInventory.decideFirstVenue(venue, context)
        var tenant = try #require(decision.first.flatMap { EventInventory(creating: $0) })
        var buffer = RecordBuffer()
        _ = buffer.append(decision, event: tenant.key, at: context.now, key: nil)
        tenant.advance(to: context.now)
        for fact in decision.facts.dropFirst() { tenant.apply(fact, isAnswered: false) }
        var records = [buffer.withLastPayload { Array($0) }]

        var subject = ModelSubject(continuing: tenant)
        for (id, capacity) in [("arena", 60_000), ("club", 80)] as [(ShortText, UInt32)] {
            var other = venue
            (other.id, other.maximumCapacity, other.attributes) = (id, capacity, "")
            _ = subject.perform(.createVenue(other), context)
            other.name = "\(id) renamed"
            _ = subject.perform(.updateVenue(other, expectedVersion: nil), context)
        }
        records += subject.takeRecords()
        try append(records, of: subject.inventory)
    }
}
