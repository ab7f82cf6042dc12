import Testing

@testable import WAL

/// A field with a wrong value under a right checksum: no rot does this, but a write that landed in the wrong place, a
/// program that misbehaved, or a hand in the folder. What is left then are the rules between the fields.
@Suite struct WrongFieldTests {
    enum Seal { case block, batch, chunk }

    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        let file: String
        let seal: Seal
        /// Of the frame.
        let at: Int
        let field: Int
        let value: UInt64
        var byteCount = 8
        /// "refused" names `file` unless it says otherwise.
        let outcome: FolderTruth.Verdict

        var testDescription: String { name }
    }

    private static let first = LogFolder.segmentName(1)
    private static let second = LogFolder.segmentName(2)
    private static let newer = LogFolder.snapshotName(5)
    private static let older = LogFolder.snapshotName(3)

    private static func refused(_ file: String) -> FolderTruth.Verdict { .refused(path: "/log/\(file)") }

    private static func segment(
        _ name: String,
        _ file: String,
        _ field: Int,
        _ value: UInt64,
        refusing: String? = nil
    ) -> Change {
        Change(
            name: "segment header: \(name)",
            file: file,
            seal: .block,
            at: 0,
            field: field,
            value: value,
            outcome: refused(refusing ?? file)
        )
    }

    private static func batch(_ name: String, _ field: Int, _ value: UInt64, bytes: Int = 8) -> Change {
        Change(
            name: "batch: \(name)",
            file: second,
            seal: .batch,
            at: 4096,
            field: field,
            value: value,
            byteCount: bytes,
            outcome: refused(second)
        )
    }

    private static func snapshot(
        _ name: String,
        _ file: String,
        _ seal: Seal,
        at: Int,
        _ field: Int,
        _ value: UInt64,
        bytes: Int = 8
    ) -> Change {
        Change(
            name: "snapshot: \(name)",
            file: file,
            seal: seal,
            at: at,
            field: field,
            value: value,
            byteCount: bytes,
            outcome: .passedOver
        )
    }

    static let changes: [Change] = [
        segment("mark", first, 0, 99), segment("identity", first, 16, 99), segment("number", first, 32, 99),
        segment("salt", first, 40, 99), segment("epoch", first, 48, 99, refusing: second),
        segment("number of the first batch", first, 56, 2), segment("position of the first record", first, 64, 2),
        segment("checksum of the batch before", first, 72, 99), segment("bytes of a full segment", first, 80, 1 << 20),
        segment("number of the first batch, earlier", second, 56, 0),
        segment("number of the first batch, later", second, 56, 9, refusing: first),
        segment("position of the first record", second, 64, 8, refusing: first),
        segment("checksum of the batch before", second, 72, 99, refusing: first),
        batch("mark", 0, 99, bytes: 4), batch("identity", 8, 99), batch("salt", 24, 99), batch("epoch", 32, 99),
        batch("number", 40, 99), batch("position of the first record", 48, 99), batch("durable batch", 56, 99),
        batch("checksum of the batch before", 64, 99), batch("number of records", 72, 2, bytes: 4),
        batch("number of records", 72, 4, bytes: 4), batch("bytes of the first record", 128, 25, bytes: 4),
        batch("bytes of the first record", 128, 4000, bytes: 4),
        batch("reserved of the first record", 132, 1, bytes: 4),
        snapshot("mark", newer, .block, at: 0, 0, 99), snapshot("identity", newer, .block, at: 0, 16, 99),
        snapshot("position", newer, .block, at: 0, 32, 4), snapshot("salt", newer, .block, at: 0, 40, 99),
        snapshot("identity", older, .block, at: 0, 16, 99), snapshot("position", older, .block, at: 0, 32, 4),
        snapshot("salt", older, .block, at: 0, 40, 99),
        snapshot("chunk's mark", newer, .chunk, at: 4096, 0, 99, bytes: 4),
        snapshot("chunk's salt", newer, .chunk, at: 4096, 8, 99),
        snapshot("chunk's number", newer, .chunk, at: 4096, 16, 1),
        snapshot("chunk's number of records", newer, .chunk, at: 4096, 24, 4, bytes: 4),
        snapshot("chunk's number of records", newer, .chunk, at: 4096, 24, 6, bytes: 4),
        snapshot("chunk's chain", newer, .chunk, at: 4096, 36, 99, bytes: 4),
        snapshot("chunk's first record", newer, .chunk, at: 4096, 64, 4000, bytes: 4),
        snapshot("trailer's identity", newer, .block, at: 8192, 16, 99),
        snapshot("trailer's position", newer, .block, at: 8192, 32, 99),
        snapshot("trailer's salt", newer, .block, at: 8192, 40, 99),
        snapshot("trailer's number of chunks", newer, .block, at: 8192, 48, 2),
        snapshot("trailer's number of records", newer, .block, at: 8192, 56, 6),
        snapshot("trailer's bytes of the file", newer, .block, at: 8192, 64, 16384),
        snapshot("trailer's last chunk", newer, .block, at: 8192, 72, 99, bytes: 4),
        snapshot("trailer's position", older, .block, at: 8192, 32, 99),
        snapshot("trailer's bytes of the file", older, .block, at: 8192, 64, 16384),
    ]

    @Test(arguments: Self.changes)
    func everyRule(change: Change) throws {
        let device = try DamagedFolder().device
        let path = "/log/\(change.file)"
        var bytes = try #require(device.contents(of: path))
        func put(_ frame: UnsafeMutableRawBufferPointer) {
            if change.byteCount == 4 {
                frame.put(UInt32(change.value), at: change.field)
            } else {
                frame.put(change.value, at: change.field)
            }
        }
        switch change.seal {
        case .block: reseal(&bytes, blockAt: change.at, put)
        case .batch: reseal(&bytes, batchAt: change.at, put)
        case .chunk: reseal(&bytes, chunkAt: change.at, put)
        }
        device.setContents(of: path, to: bytes)
        let result = StartResult(device, length: 24) { records(1...$0).map(\.payload) }
        #expect(result.matches(change.outcome, acknowledged: 12), "\(change.name): \(result)")
    }

    /// Fields of both slots of the manifest, as its fields are of one kind: what they say is checked against the folder.
    @Test func manifest() throws {
        let cases: [(name: String, field: Int, value: UInt64, verdict: FolderTruth.Verdict)] = [
            ("mark", 0, 99, Self.refused("MANIFEST")), ("identity", 16, 99, Self.refused("MANIFEST")),
            ("generation", 32, 99, .harmless), ("epoch", 40, 0, .harmless),
            ("newest segment", 48, 3, Self.refused(LogFolder.segmentName(3))), ("newest segment", 48, 0, .harmless),
            ("oldest segment", 56, 99, .harmless), ("number of snapshots", 64, 9, Self.refused("MANIFEST")),
            ("a snapshot's position", 72, 6, .passedOver), ("a snapshot's bytes", 80, 1, .harmless),
            ("number of origins", 200, 0, .harmless), ("number of origins", 200, 193, .harmless),
            ("an origin's position", 208, 99, .harmless), ("an origin's salt", 216, 99, .harmless),
        ]
        for (name, field, value, verdict) in cases {
            let device = try DamagedFolder().device
            var bytes = try #require(device.contents(of: "/log/MANIFEST"))
            for slot in [0, 4096] { reseal(&bytes, blockAt: slot) { $0.put(value, at: field) } }
            device.setContents(of: "/log/MANIFEST", to: bytes)
            let result = StartResult(device, length: 24) { records(1...$0).map(\.payload) }
            #expect(result.matches(verdict, acknowledged: 12), "\(name) \(value): \(result)")
        }
    }
}
