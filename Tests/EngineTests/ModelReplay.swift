import WAL

@testable import Engine
@testable import ReferenceModel

/// Rebuilds events from a log's bytes, each on the shard that owns it.
struct ModelReplay {
    private(set) var shards: [Recovery]
    private var last = LogPosition.zero

    init(shards count: Int) { shards = (0..<count).map { _ in Recovery() } }

    mutating func apply(_ payload: [UInt8]) throws {
        let shard = try EventRecord(bytes: payload).event.shard(of: shards.count)
        last = LogPosition(last.rawValue + 1)
        try payload.withUnsafeBytes { try shards[shard].apply($0, at: last) }
    }

    func event(_ key: EventKey) -> EventInventory? { shards[key.shard(of: shards.count)].events[key] }

    /// One number for everything, whatever the number of shards.
    var digest: UInt64 { shards.reduce(0) { $0 &+ $1.digest } }
}

extension EventInventory {
    /// The same event, rebuilt from the bytes of its snapshot, its digest checked.
    func restoredFromSnapshot() throws -> EventInventory {
        var buffer = RecordBuffer(capacity: 4_096)
        var payloads: [[UInt8]] = []
        SnapshotRecord.write(self, asOf: LogPosition(1), into: &buffer) { buffer in
            payloads += buffer.payloads
            buffer.removeAll()
        }
        payloads += buffer.payloads
        var recovery = Recovery()
        for payload in payloads { try payload.withUnsafeBytes { try recovery.restore($0) } }
        guard let restored = recovery.events[key] else { throw Rejection.eventNotFound }
        return restored
    }
}
