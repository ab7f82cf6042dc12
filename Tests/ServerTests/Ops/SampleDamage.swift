import Testing

@testable import WAL

/// Something that goes wrong with the sample, and what must be said of it.
struct SampleDamage: Sendable, CustomTestStringConvertible {
    let kind: String
    let path: String
    var offset: Int?
    var positions: ClosedRange<UInt64>?
    /// The option that is typed first; nil when there is no command.
    var option: String?
    /// No change may be lost by the remedies.
    var isLossless = false
    let make: @Sendable (SimulatedDevice) -> Void

    var testDescription: String { "\(kind) \(path) \(offset ?? 0)" }

    static func all() async throws -> [SampleDamage] {
        let sample = try await SampleFolder.shared.value
        return inTheLog(sample) + inSegments(sample) + inTheManifest + inSnapshots(sample)
    }
}

// MARK: - The log

extension SampleDamage {
    private static func inTheLog(_ sample: SampleFolder) -> [SampleDamage] {
        let behind = sample.snapshots[0] + 4
        let before = sample.snapshots[1] + 2
        let last = sample.lastPosition
        // Behind the newest snapshot everything from the damage on is lost; before it the snapshot holds the same.
        let cut = "--truncate-at \(behind - 1)"
        let start = "--start-at-snapshot \(sample.snapshots[0])"
        let torn = SampleFolder.segment(of: before)
        return [
            flip(behind, byte: 50, option: cut, isLossless: false),
            flip(behind, byte: 200, option: cut, isLossless: false),
            flip(before, byte: 140, option: start, isLossless: true),
            SampleDamage(kind: "batch-damaged", path: torn, option: "--rebuild-header 2", isLossless: true) {
                let bytes = $0.contents(of: torn)!
                $0.setContents(of: torn, to: Array(bytes[..<(SampleFolder.offset(of: before) + 100)]))
            },
            // Checksums and chain are right, what it says is not.
            SampleDamage(
                kind: "record-contradicts",
                path: SampleFolder.segment(of: last),
                offset: SampleFolder.offset(of: last),
                positions: last...last,
                option: "--truncate-at \(last - 1)"
            ) { device in
                var bytes = device.contents(of: SampleFolder.segment(of: last))!
                resealBatch(&bytes, at: SampleFolder.offset(of: last)) { $0.put(UInt64(99), at: 136) }
                device.setContents(of: SampleFolder.segment(of: last), to: bytes)
            },
        ]
    }

    private static func flip(_ record: UInt64, byte: Int, option: String, isLossless: Bool) -> SampleDamage {
        let (path, offset) = (SampleFolder.segment(of: record), SampleFolder.offset(of: record))
        return SampleDamage(
            kind: "batch-damaged",
            path: path,
            offset: offset,
            positions: record...record,
            option: option,
            isLossless: isLossless
        ) { $0.flipBit((offset + byte) * 8 + 3, of: path) }
    }
}

// MARK: - Files

extension SampleDamage {
    private static func inSegments(_ sample: SampleFolder) -> [SampleDamage] {
        let (newest, older) = (sample.snapshots[0], sample.snapshots[1])
        let (first, last) = (SampleFolder.segment(of: older + 1), SampleFolder.segment(of: sample.lastPosition))
        let strange = SampleFolder.segment(9)
        return [
            SampleDamage(
                kind: "segment-header-damaged",
                path: last,
                option: "--rebuild-header 3",
                isLossless: true
            ) { $0.flipBit(60 * 8, of: last) },
            SampleDamage(kind: "segment-missing", path: last, option: "--start-at-snapshot \(newest)") {
                $0.lose(last)
            },
            SampleDamage(
                kind: "snapshot-without-log",
                path: SampleFolder.snapshot(older),
                option: "--drop-snapshot \(older)",
                isLossless: true
            ) { $0.lose(first) },
            SampleDamage(
                kind: "segment-short",
                path: last,
                offset: 15 * 4096,
                option: "--rebuild-header 3",
                isLossless: true
            ) { $0.setContents(of: last, to: Array($0.contents(of: last)!.prefix(15 * 4096))) },
            SampleDamage(
                kind: "segment-misnamed",
                path: strange,
                offset: 32,
                option: "--drop-segment 9",
                isLossless: true
            ) { $0.setContents(of: strange, to: $0.contents(of: last)!) },
            SampleDamage(kind: "segment-foreign", path: strange, option: "--drop-segment 9", isLossless: true) {
                var bytes = $0.contents(of: last)!
                resealBlock(&bytes, at: 0) { $0.put(UInt64(99), at: 16) }
                $0.setContents(of: strange, to: bytes)
            },
            SampleDamage(kind: "newer-version", path: last) {
                var bytes = $0.contents(of: last)!
                resealBlock(&bytes, at: 0) { $0.put(UInt16(9), at: 10) }
                $0.setContents(of: last, to: bytes)
            },
        ]
    }

    private static var inTheManifest: [SampleDamage] {
        let path = SampleFolder.path + "/MANIFEST"
        func damage(_ kind: String, _ make: @escaping @Sendable (SimulatedDevice) -> Void) -> SampleDamage {
            SampleDamage(kind: kind, path: path, option: "--rebuild-manifest", isLossless: true, make: make)
        }
        return [
            damage("manifest-missing") { $0.lose(path) },
            damage("manifest-damaged") { device in
                for slot in 0..<2 { device.flipBit((slot * 4096 + 40) * 8, of: path) }
            },
            damage("manifest-foreign") { device in
                var bytes = device.contents(of: path)!
                for slot in 0..<2 { resealBlock(&bytes, at: slot * 4096) { $0.put(UInt64(99), at: 16) } }
                device.setContents(of: path, to: bytes)
            },
        ]
    }

    private static func inSnapshots(_ sample: SampleFolder) -> [SampleDamage] {
        let (newest, older) = (SampleFolder.snapshot(sample.snapshots[0]), SampleFolder.snapshot(sample.snapshots[1]))
        let drop = "--drop-snapshot \(sample.snapshots[0])"
        return [
            SampleDamage(kind: "snapshot-damaged", path: newest, offset: 4096, option: drop, isLossless: true) {
                $0.flipBit(4200 * 8, of: newest)
            },
            SampleDamage(
                kind: "snapshot-damaged",
                path: older,
                offset: 0,
                option: "--drop-snapshot \(sample.snapshots[1])",
                isLossless: true
            ) { $0.flipBit(40 * 8, of: older) },
            SampleDamage(kind: "snapshot-missing", path: newest, option: "--rebuild-manifest", isLossless: true) {
                $0.lose(newest)
            },
            // Nothing is left to start from.
            SampleDamage(kind: "snapshot-damaged", path: newest) {
                for path in [newest, older] { $0.flipBit(4200 * 8, of: path) }
            },
            // Every checksum is right, and a payment has another reference than it had.
            SampleDamage(kind: "snapshot-digest-wrong", path: newest, option: drop, isLossless: true) {
                var bytes = $0.contents(of: newest)!
                let word = Array("paid-".utf8)
                bytes[bytes.indices.first { bytes[$0...].starts(with: word) }!] = UInt8(ascii: "P")
                resealChunk(&bytes, at: 4096)
                $0.setContents(of: newest, to: bytes)
            },
        ]
    }
}

extension SampleFolder {
    /// A batch has one record and takes one block, so segments begin with records 1, 16, 31.
    static func segment(of record: UInt64) -> String { segment((record - 1) / 15 + 1) }
    static func offset(of record: UInt64) -> Int { 4096 + Int((record - 1) % 15) * 4096 }
}

// MARK: - Checksums

/// Changes a header block and makes its checksum right again.
private func resealBlock(_ bytes: inout [UInt8], at offset: Int, _ change: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes.withUnsafeMutableBytes { whole in
        let block = UnsafeMutableRawBufferPointer(rebasing: whole[offset..<offset + LogFormat.blockBytes])
        change(block)
        HeaderBlock.seal(block)
    }
}

/// The same for a batch of one block.
private func resealBatch(_ bytes: inout [UInt8], at offset: Int, _ change: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes.withUnsafeMutableBytes { whole in
        let batch = UnsafeMutableRawBufferPointer(rebasing: whole[offset..<offset + LogFormat.blockBytes])
        change(batch)
        let raw = UnsafeRawBufferPointer(batch)
        batch.put(crc32c(raw.part(BatchHeader.byteCount..<raw.count)), at: 80)
        batch.put(crc32c(raw.part(0..<124)), at: 124)
    }
}

/// Makes the checksums of a snapshot's only chunk right again, and that of the trailer, which repeats one.
private func resealChunk(_ bytes: inout [UInt8], at offset: Int) {
    var header: UInt32 = 0
    bytes.withUnsafeMutableBytes { whole in
        let chunk = ChunkHeader(reading: UnsafeRawBufferPointer(rebasing: whole[offset...]))!
        let block = UnsafeMutableRawBufferPointer(rebasing: whole[offset..<offset + chunk.chunkBytes])
        let raw = UnsafeRawBufferPointer(block)
        block.put(crc32c(raw.part(ChunkHeader.byteCount..<raw.count)), at: 32)
        header = crc32c(raw.part(0..<ChunkHeader.checksumOffset))
        block.put(header, at: ChunkHeader.checksumOffset)
    }
    resealBlock(&bytes, at: bytes.count - LogFormat.blockBytes) { $0.put(header, at: 72) }
}
