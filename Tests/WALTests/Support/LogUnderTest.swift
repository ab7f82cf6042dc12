import Glibc

@testable import WAL

/// Remembers everything the log said, and waits for it. `@unchecked Sendable`: guarded by `monitor`.
final class Observer: @unchecked Sendable {
    private let monitor = Monitor()
    private var saidDurable: [LogPosition] = []
    private var saidFailed: [LogError] = []

    var watermarks: [LogPosition] { monitor.withLock { saidDurable } }
    var failures: [LogError] { monitor.withLock { saidFailed } }

    func durable(_ position: LogPosition) {
        monitor.withLock { saidDurable.append(position) }
        monitor.signal()
    }

    func failed(_ error: LogError) {
        monitor.withLock { saidFailed.append(error) }
        monitor.signal()
    }

    /// True when the log said that `position` is durable; false when it failed or ten seconds passed.
    func wait(until position: LogPosition) -> Bool {
        let deadline = MonotonicTime.now.advanced(microseconds: 10_000_000)
        return monitor.withLock {
            while saidDurable.last ?? .zero < position {
                guard saidFailed.isEmpty, monitor.wait(until: deadline) else { return false }
            }
            return true
        }
    }
}

/// A record as a test writes and finds it.
struct Found: Equatable {
    let position: UInt64
    let payload: [UInt8]
}

/// Payloads whose every byte depends on the position, so that none can be taken for another.
func payload(_ position: UInt64, length: Int = 24) -> [UInt8] {
    var state = position &* 0x9E37_79B9_7F4A_7C15 | 1
    return [UInt8](unsafeUninitializedCapacity: length + 8) { bytes, count in
        // A word at a time: these tests run unoptimized, and write many.
        for offset in stride(from: 0, to: length, by: 8) {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            UnsafeMutableRawBufferPointer(bytes).storeBytes(
                of: state.littleEndian,
                toByteOffset: offset,
                as: UInt64.self
            )
        }
        count = length
    }
}

func records(_ positions: ClosedRange<UInt64>, length: Int = 24) -> [Found] {
    positions.map { Found(position: $0, payload: payload($0, length: length)) }
}

extension WriteAheadLog {
    /// Appends one record.
    @discardableResult
    func append(_ bytes: [UInt8]) throws(LogError) -> LogPosition {
        var buffer = RecordBuffer()
        buffer.beginRecord()
        bytes.withUnsafeBytes { buffer.write(bytes: $0) }
        buffer.endRecord()
        return try append(buffer)
    }

    /// Appends the records with these positions in one call.
    @discardableResult
    func append(_ positions: ClosedRange<UInt64>, length: Int = 24) throws(LogError) -> LogPosition {
        var buffer = RecordBuffer()
        for position in positions {
            buffer.beginRecord()
            payload(position, length: length).withUnsafeBytes { buffer.write(bytes: $0) }
            buffer.endRecord()
        }
        return try append(buffer)
    }

    /// True when the watermark reached `position`; false when the log failed or ten seconds passed.
    func waitUntilDurable(_ position: LogPosition, _ observer: Observer) -> Bool {
        observer.wait(until: position)
    }

    func start(_ observer: Observer) throws(LogError) {
        try start(onDurable: { observer.durable($0) }, onFailure: { observer.failed($0) })
    }

    func replayAll(from first: UInt64 = 1) throws -> (found: [Found], summary: ReplaySummary) {
        var found: [Found] = []
        let summary = try replay(from: LogPosition(first)) { position, bytes in
            found.append(Found(position: position.rawValue, payload: Array(bytes)))
        }
        return (found, summary)
    }

    func snapshotRecords() throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        try readSnapshot { found.append(Array($0)) }
        return found
    }
}

extension WriteAheadLog.Options {
    /// Small files, no thread in the background, no covering batch by the clock: the same operations every time.
    static var small: Self {
        var options = Self()
        options.segmentBytes = 64 << 10
        options.batchBytesMax = 8 << 10
        options.spareSegments = 0
        options.paceMicroseconds = 0
        options.idleCoverMilliseconds = 60_000
        options.fixedRandom = 0x0123_4567_89AB_CDEF
        return options
    }
}

/// A folder of its own for each test, removed at the end.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/holdfast-wal-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        guard let stream = opendir(path) else { return }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(stream)
        rmdir(path)
    }
}
