import Glibc

@testable import WAL

/// A folder as it should be, and what a start has to make of one that differs in one place: computed from the names and
/// from fields at the places that FORMAT.md gives, without the code under test.
struct FolderTruth {
    /// What a start has to make of a difference.
    enum Verdict: Hashable {
        /// Everything is there and nobody needs to be told: nothing reads this, or the same stands somewhere else.
        case harmless
        /// Refused; this file is named.
        case refused(path: String)
        /// Everything is there, from the older snapshot or from the log alone, and a notice names the snapshot.
        case passedOver
        /// The documented limit: nothing proves that the last batch was answered. Everything before it is there.
        case cut(last: UInt64)

        var name: String {
            switch self {
            case .harmless: "harmless"
            case .refused: "refused"
            case .passedOver: "passed over"
            case .cut: "cut"
            }
        }
    }

    private struct Batch {
        let range: Range<Int>
        let firstPosition: UInt64
        let count: UInt64
    }

    private struct Segment {
        let path: String
        let firstPosition: UInt64
        var batches: [Batch] = []
    }

    let files: [String: [UInt8]]
    /// Ascending, as all that follow.
    private var segments: [Segment] = []
    private var snapshots: [UInt64] = []

    init(_ device: SimulatedDevice) {
        files = device.everything
        for path in files.keys.sorted() {
            if path.hasPrefix("/log/wal-") { segments.append(Self.segment(path, files[path]!)) }
            if path.hasPrefix("/log/snap-"), let position = UInt64(path.suffix(20)) { snapshots.append(position) }
        }
    }

    var newestSnapshot: UInt64 { snapshots.last ?? 0 }

    private static func segment(_ path: String, _ bytes: [UInt8]) -> Segment {
        bytes.withUnsafeBytes { bytes in
            var segment = Segment(path: path, firstPosition: bytes.integer(at: 64))
            var offset = 4096
            while offset < bytes.count, bytes.integer(at: offset, as: UInt32.self) == 0x4842_4648,
                bytes.integer(at: offset + 24, as: UInt64.self) == bytes.integer(at: 40, as: UInt64.self)
            {
                let end = (offset + 128 + Int(bytes.integer(at: offset + 76, as: UInt32.self)) + 4095) & ~4095
                segment.batches.append(
                    Batch(
                        range: offset..<end,
                        firstPosition: bytes.integer(at: offset + 48),
                        count: UInt64(bytes.integer(at: offset + 72, as: UInt32.self))
                    )
                )
                offset = end
            }
            return segment
        }
    }

    /// Where a folder of the same names first differs from this one; nil when it doesn't.
    func difference(_ device: SimulatedDevice) -> (path: String, offset: Int)? {
        for path in files.keys.sorted() {
            let (here, there) = (files[path]!, device.contents(of: path) ?? [])
            if let offset = firstDifference(here, there) { return (path, offset) }
        }
        return nil
    }

    private func firstDifference(_ left: [UInt8], _ right: [UInt8]) -> Int? {
        if left.count == right.count,
            left.withUnsafeBytes({ here in
                right.withUnsafeBytes { memcmp(here.baseAddress!, $0.baseAddress!, left.count) == 0 }
            })
        {
            return nil
        }
        return zip(left, right).enumerated().first { $1.0 != $1.1 }?.offset ?? min(left.count, right.count)
    }

    /// What a start has to make of it when the byte at `offset`, and perhaps more of the same frame, is not what was
    /// written.
    func verdict(on path: String, at offset: Int) -> Verdict {
        if path.hasSuffix("/MANIFEST") { return verdictOnManifest(at: offset) }
        if path.hasPrefix("/log/snap-"), let position = UInt64(path.suffix(20)) {
            // Of an older snapshot only both ends are looked at while the newest is whole.
            let isEnd = offset < 4096 || offset >= files[path]!.count - 4096
            return position == newestSnapshot || isEnd ? .passedOver : .harmless
        }
        guard let index = segments.firstIndex(where: { $0.path == path }) else { return .harmless }
        return offset < 4096 ? .refused(path: path) : verdictOnBatch(inSegment: index, at: offset)
    }

    /// The other slot says what was true one change earlier, and still is.
    private func verdictOnManifest(at offset: Int) -> Verdict {
        guard offset < 8192 else { return .harmless }
        let other = offset < 4096 ? 4096 : 0
        let hasOther = files["/log/MANIFEST"]!.withUnsafeBytes { $0.integer(at: other, as: UInt64.self) != 0 }
        return hasOther || isUnusedSlot(offset / 4096) ? .harmless : .refused(path: "/log/MANIFEST")
    }

    private func isUnusedSlot(_ slot: Int) -> Bool {
        files["/log/MANIFEST"]!.withUnsafeBytes { $0.integer(at: slot * 4096, as: UInt64.self) == 0 }
    }

    private func verdictOnBatch(inSegment index: Int, at offset: Int) -> Verdict {
        let first = segments.lastIndex { $0.firstPosition <= newestSnapshot + 1 } ?? 0
        let batches = segments[index].batches
        guard index >= first, let hit = batches.firstIndex(where: { $0.range.contains(offset) }) else {
            return .harmless
        }
        let batch = batches[hit]
        if hit + 1 < batches.count || index + 1 < segments.count { return .refused(path: segments[index].path) }
        if batch.count == 0 { return .harmless }
        let last = batch.firstPosition + batch.count - 1
        return newestSnapshot >= last ? .refused(path: segments[index].path) : .cut(last: batch.firstPosition - 1)
    }
}

/// What a start really made of a folder.
struct StartResult: CustomStringConvertible {
    var error: LogError?
    var notices: [String] = []
    var last: UInt64 = 0
    /// Records that were never appended like this.
    var problem: String?

    /// - Parameters:
    ///   - length: of each record, which follows from its position.
    ///   - snapshot: what the snapshot at a position holds.
    init(
        _ device: SimulatedDevice,
        length: Int,
        snapshot expected: (UInt64) -> [[UInt8]]
    ) {
        do {
            let read = try device.readEverything()
            notices = read.notices
            last = read.summary.lastPosition.rawValue
            let start = last - UInt64(read.found.count)
            if last > start, read.found != records(start + 1...last, length: length) { problem = "other records" }
            if start > 0, read.snapshot != expected(start) { problem = "another snapshot at \(start)" }
        } catch {
            self.error = error as? LogError
            if self.error == nil { problem = "\(error)" }
        }
    }

    /// Whether that is the verdict; `last` is what was acknowledged.
    func matches(_ verdict: FolderTruth.Verdict, acknowledged: UInt64) -> Bool {
        if case .refused(let path) = verdict {
            if case .corrupt(path, _, _)? = error { return true }
            return false
        }
        guard error == nil, problem == nil else { return false }
        return switch verdict {
        case .harmless: notices.isEmpty && last >= acknowledged
        case .passedOver: notices.count == 1 && notices[0].contains("snap-") && last >= acknowledged
        case .cut(let expected): notices.isEmpty && last == expected
        case .refused: false
        }
    }

    var description: String {
        "\(error.map { "\($0)" } ?? "no error"), notices \(notices), last \(last), \(problem ?? "no other problem")"
    }
}
