import CChecksum
import Glibc

/// The numbers every file of the log agrees on. FORMAT.md describes the files byte by byte.
enum LogFormat {
    /// What this program writes, and the newest it reads.
    static let version: UInt16 = 1
    /// The oldest program that can read what this one writes.
    static let readerVersion: UInt16 = 1
    /// The unit of writing: everything starts at a multiple of it and is filled with zeros up to the next.
    static let blockBytes = 4096
    /// The most a batch or a chunk takes, header and padding included. Readers allocate no more than this.
    static let batchBytesMax = 1 << 20
    /// Where a header block keeps its own CRC-32C, over all bytes before it. The same in every version.
    static let blockChecksumOffset = blockBytes - 4
    static let snapshotsMax = 8

    /// What wrote something, and the oldest that can read it: the two fields behind every mark.
    struct Versions: Equatable, Sendable {
        var writer = LogFormat.version
        var reader = LogFormat.readerVersion
    }

    static func requireReadable(_ versions: Versions, in file: String) throws(LogError) {
        guard versions.reader <= version else {
            throw .unsupportedVersion(file: file, version: Int(versions.writer), readerVersion: Int(versions.reader))
        }
    }

    static func roundedUpToBlock(_ bytes: Int) -> Int { (bytes + blockBytes - 1) & ~(blockBytes - 1) }
}

/// Names this log among all others: random, chosen when the folder is made, repeated in every file.
struct LogIdentity: Equatable, Sendable {
    let high: UInt64
    let low: UInt64
}

package func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    holdfast_crc32c(seed, bytes.baseAddress, bytes.count)
}

extension UnsafeRawBufferPointer {
    func integer<T: FixedWidthInteger>(at offset: Int, as type: T.Type = T.self) -> T {
        T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    func identity(at offset: Int) -> LogIdentity {
        LogIdentity(high: integer(at: offset), low: integer(at: offset + 8))
    }

    func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: self[range]) }

    var isAllZero: Bool { allSatisfy { $0 == 0 } }
}

extension UnsafeMutableRawBufferPointer {
    func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }

    func put(_ identity: LogIdentity, at offset: Int) {
        put(identity.high, at: offset)
        put(identity.low, at: offset + 8)
    }

    func zero(_ range: Range<Int>) {
        guard let baseAddress, !range.isEmpty else { return }
        memset(baseAddress + range.lowerBound, 0, range.count)
    }
}

/// The start every header block shares: magic, version, lowest reader version; and its end, the checksum.
enum HeaderBlock {
    static func begin(_ block: UnsafeMutableRawBufferPointer, magic: UInt64) {
        precondition(block.count == LogFormat.blockBytes)
        block.zero(0..<block.count)
        block.put(magic, at: 0)
        block.put(LogFormat.version, at: 8)
        block.put(LogFormat.readerVersion, at: 10)
    }

    static func seal(_ block: UnsafeMutableRawBufferPointer) {
        let checksum = crc32c(UnsafeRawBufferPointer(block).part(0..<LogFormat.blockChecksumOffset))
        block.put(checksum, at: LogFormat.blockChecksumOffset)
    }

    enum Verdict: Equatable {
        case valid
        case damaged(String)
        /// Whole, but only a later program reads it.
        case newer(LogFormat.Versions)
    }

    static func check(_ block: UnsafeRawBufferPointer, magic: UInt64) -> Verdict {
        guard block.count == LogFormat.blockBytes else { return .damaged("the file ends inside this block") }
        guard block.integer(at: 0) == magic else { return .damaged("the block does not begin with the expected mark") }
        let checksum = crc32c(block.part(0..<LogFormat.blockChecksumOffset))
        guard block.integer(at: LogFormat.blockChecksumOffset) == checksum else {
            return .damaged("the block's checksum does not match")
        }
        let versions = LogFormat.Versions(writer: block.integer(at: 8), reader: block.integer(at: 10))
        return versions.reader > LogFormat.version ? .newer(versions) : .valid
    }

    /// Like `check`, as an error about `file`.
    static func verify(
        _ block: UnsafeRawBufferPointer,
        magic: UInt64,
        file: String,
        offset: Int = 0
    ) throws(LogError) {
        switch check(block, magic: magic) {
        case .valid: return
        case .damaged(let reason): throw .corrupt(file: file, offset: offset, reason: reason)
        case .newer(let versions): try LogFormat.requireReadable(versions, in: file)
        }
    }
}
