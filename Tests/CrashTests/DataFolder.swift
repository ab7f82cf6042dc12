import Foundation
import Glibc

/// A folder for the server's data, looked at from outside by what FORMAT.md says of it.
final class DataFolder: Sendable {
    let path: String
    let data: String

    /// A folder of its own below the temporary one, removed with the value.
    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/holdfast-crash-\(UUID().uuidString)"
        data = path + "/data"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    /// - Parameters:
    ///   - data: a folder that somebody else makes and removes.
    ///   - path: for the server's output; removed with the value.
    init(data: String, path: String) throws {
        self.path = path
        self.data = data
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: data)) ?? [] }

    /// A snapshot is being written at this moment, or was when the process died.
    var hasUnfinishedSnapshot: Bool { names.contains { $0.hasPrefix("snap-") && $0.hasSuffix(".tmp") } }
}

/// One segment of the log, read by FORMAT.md alone.
struct SegmentFile {
    struct Batch {
        let offset: Int
        let recordCount: Int
    }
    let name: String
    let number, salt, epoch: UInt64
    let batches: [Batch]
    /// Blocks that begin a batch of an earlier use of the same file.
    let remainCount: Int
    private let path: String

    init(_ name: String, in folder: DataFolder) throws {
        self.name = name
        path = folder.data + "/" + name
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        func integer(_ offset: Int, _ count: Int = 8) -> UInt64 {
            bytes[offset..<(offset + count)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        guard bytes.count > 4096, bytes.prefix(8).elementsEqual("HFWALSEG".utf8) else {
            throw ServerFailure(description: "\(name) is no segment")
        }
        let salt = integer(40)
        (number, self.salt, epoch) = (integer(32), salt, integer(48))
        let marked = stride(from: 4096, to: bytes.count - 128, by: 4096).filter {
            bytes[$0..<($0 + 4)].elementsEqual("HFBH".utf8)
        }
        batches = marked.filter { integer($0 + 24) == salt }
            .map { Batch(offset: $0, recordCount: Int(integer($0 + 72, 4))) }
        remainCount = marked.count - batches.count
    }

    init(newestIn folder: DataFolder) throws {
        try self.init(folder.names.filter { $0.hasPrefix("wal-") }.max() ?? "", in: folder)
    }

    func zero(from offset: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let size = try file.seekToEnd()
        try file.truncate(atOffset: UInt64(offset))
        try file.truncate(atOffset: size)
        try file.close()
    }

    func flipByte(at offset: Int) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try file.seek(toOffset: UInt64(offset))
        let byte = try file.read(upToCount: 1)![0]
        try file.seek(toOffset: UInt64(offset))
        try file.write(contentsOf: Data([byte ^ 1]))
        try file.close()
    }
}

/// What has happened in a data folder since one began to look. A run in which files never followed each other and were
/// never let go of has shown nothing about that.
struct FolderHistory {
    /// Segments that continue another one of the same life of the server.
    private(set) var rotated: Set<UInt64> = []
    /// Segments in a file that had been one before. Rare, and not asked for: a start keeps no spare that was a segment, and
    /// lives are short here.
    private(set) var recycled: Set<UInt64> = []
    private(set) var snapshots: Set<String> = []
    private(set) var oldestSegment: UInt64 = 0
    private(set) var newestSegment: UInt64 = 0

    /// - Precondition: no server runs there.
    mutating func look(at folder: DataFolder) throws {
        let names = folder.names
        snapshots.formUnion(names.filter { $0.hasPrefix("snap-") && !$0.hasSuffix(".tmp") })
        let segments = names.filter { $0.hasPrefix("wal-") }.sorted()
        oldestSegment = segments.first.flatMap { UInt64($0.dropFirst(4)) } ?? 0
        newestSegment = segments.last.flatMap { UInt64($0.dropFirst(4)) } ?? 0
        var epoch: UInt64 = 0
        for name in segments {
            let segment = try SegmentFile(name, in: folder)
            if segment.epoch == epoch { rotated.insert(segment.number) }
            if segment.remainCount > 0 { recycled.insert(segment.number) }
            epoch = segment.epoch
        }
    }

    var isComplete: Bool { !rotated.isEmpty && snapshots.count > 2 && oldestSegment > 1 }

    var rows: [(String, Int)] {
        [
            ("snapshots seen", snapshots.count),
            ("log files begun because one was full", rotated.count),
            ("log files in the place of an old one", recycled.count),
            ("log files let go of", Int(max(1, oldestSegment)) - 1),
        ]
    }
}
