import WAL

extension Engine {
    /// Records of one visit of a loop; what they cost, beyond which a further one waits for the next visit.
    private static let visitRecordsMax = 32
    private static let visitCostMax = 32 << 10

    /// Calls `body` with each record and its event as it is now, on the loop that owns the event, a few at a time.
    ///
    /// What facts refer to by number (sections, seats, holds that have not ended long ago) has names there.
    /// - Returns: what `body` made of each, in the order of the records.
    public func withEvents<Value: Sendable>(
        of records: [FeedRecord],
        _ body: @escaping @Sendable (FeedRecord, BorrowedEvent) -> Value
    ) async -> [Value?] {
        var values: [Value?] = Array(repeating: nil, count: records.count)
        let owned = Dictionary(grouping: records.indices) { records[$0].record.event.shard(of: shards.count) }
        for (shard, indices) in owned {
            var rest = indices[...]
            while let first = rest.first {
                var visit: [FeedRecord] = [records[first]]
                var cost = records[first].cost
                for index in rest.dropFirst().prefix(Self.visitRecordsMax - 1) {
                    cost += records[index].cost
                    guard cost <= Self.visitCostMax else { break }
                    visit.append(records[index])
                }
                for (index, value) in zip(rest, await shards[shard].visit(visit, body)) { values[index] = value }
                rest = rest.dropFirst(visit.count)
            }
        }
        return values
    }
}

extension Shard {
    func visit<Value: Sendable>(
        _ records: [FeedRecord],
        _ body: @Sendable (FeedRecord, BorrowedEvent) -> Value
    ) -> [Value?] {
        records.map { record in tables.pointee.slot(of: record.record.event).map { body(record, borrow($0)) } }
    }
}
