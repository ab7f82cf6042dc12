import Testing

@testable import WAL

/// A frame of the format with its fields as FORMAT.md names them, and where one stands in a `DamagedFolder`.
struct Frame: Sendable, CustomTestStringConvertible {
    struct Field: Sendable {
        let offset: Int
        let byteCount: Int
        let name: String
    }

    let name: String
    let file: String
    let offset: Int
    /// What a start makes of damage to it.
    let outcome: String
    let fields: [Field]

    var byteCount: Int { fields.last.map { $0.offset + $0.byteCount } ?? 0 }
    var testDescription: String { name }

    /// - Parameter fields: bytes and name, in order.
    private init(_ name: String, _ file: String, _ offset: Int, _ outcome: String, _ fields: [(Int, String)]) {
        self.name = name
        self.file = file
        self.offset = offset
        self.outcome = outcome
        var next = 0
        self.fields = fields.map { byteCount, name in
            defer { next += byteCount }
            return Field(offset: next, byteCount: byteCount, name: name)
        }
    }

    private static let versions = [(2, "version"), (2, "reader version")]

    private static let manifestFields =
        [(8, "mark")] + versions + [
            (4, "reserved"), (16, "identity"), (8, "generation"), (8, "epoch of the last opening"),
            (8, "newest segment"), (8, "oldest segment"), (4, "number of snapshots"), (4, "reserved"),
            (8, "snapshot's position"), (8, "snapshot's bytes"), (4004, "further snapshots, reserved"), (4, "checksum"),
        ]

    private static let segmentFields =
        [(8, "mark")] + versions + [
            (4, "reserved"), (16, "identity"), (8, "number"), (8, "salt"), (8, "epoch"),
            (8, "number of the first batch"),
            (8, "position of the first record"), (8, "checksum of the batch before"), (8, "bytes of a full segment"),
            (4004, "reserved"), (4, "checksum"),
        ]

    private static let batchHeaderFields =
        [(4, "mark")] + versions + [
            (16, "identity"), (8, "salt"), (8, "epoch"), (8, "number"), (8, "position of the first record"),
            (8, "durable batch"), (8, "checksum of the batch before"), (4, "number of records"),
            (4, "bytes of the records"), (4, "checksum of the body"), (40, "reserved"), (4, "checksum of the header"),
        ]

    private static let batchFields =
        batchHeaderFields + [
            (4, "record: bytes of the payload"), (4, "record: reserved"), (24, "record: payload"),
            (64, "further records"),
            (3872, "zeros up to the next block"),
        ]

    private static let snapshotHeaderFields =
        [(8, "mark")] + versions + [
            (4, "reserved"), (16, "identity"), (8, "position"), (8, "salt"), (4044, "reserved"), (4, "checksum"),
        ]

    private static let chunkFields =
        [(4, "mark")] + versions + [
            (8, "salt"), (8, "number"), (4, "number of records"), (4, "bytes of the records"),
            (4, "checksum of the body"), (4, "header checksum of the chunk before"), (20, "reserved"),
            (4, "checksum of the header"), (4, "record: bytes of the payload"), (4, "record: reserved"),
            (24, "record: payload"), (4000, "further records, zeros up to the next block"),
        ]

    private static let trailerFields =
        [(8, "mark")] + versions + [
            (4, "reserved"), (16, "identity"), (8, "position"), (8, "salt"), (8, "number of chunks"),
            (8, "number of records"), (8, "bytes of the file"), (4, "header checksum of the last chunk"),
            (4016, "reserved"), (4, "checksum"),
        ]

    static let all: [Frame] = {
        let (first, second) = (LogFolder.segmentName(1), LogFolder.segmentName(2))
        let (older, newer) = (LogFolder.snapshotName(3), LogFolder.snapshotName(5))
        return [
            Frame("manifest, slot 0", "MANIFEST", 0, "harmless", manifestFields),
            Frame("manifest, slot 1", "MANIFEST", 4096, "harmless", manifestFields),
            Frame("segment header", first, 0, "refused", segmentFields),
            Frame("header of the last segment", second, 0, "refused", segmentFields),
            Frame("batch", first, 4096, "refused", batchFields),
            Frame("batch in the last segment", second, 4096, "refused", batchFields),
            Frame("last batch", second, 8192, "cut", batchFields),
            Frame(
                "covering batch",
                first,
                3 * 4096,
                "refused",
                batchHeaderFields + [(3968, "zeros up to the next block")]
            ),
            Frame("newest snapshot's header", newer, 0, "passed over", snapshotHeaderFields),
            Frame("newest snapshot's chunk", newer, 4096, "passed over", chunkFields),
            Frame("newest snapshot's trailer", newer, 8192, "passed over", trailerFields),
            Frame("older snapshot's header", older, 0, "passed over", snapshotHeaderFields),
            Frame("older snapshot's chunk", older, 4096, "harmless", chunkFields),
            Frame("older snapshot's trailer", older, 8192, "passed over", trailerFields),
        ]
    }()
}
