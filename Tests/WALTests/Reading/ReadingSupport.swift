import Glibc

@testable import WAL

extension RecordReader {
    /// Every record from `first` to the watermark, in pages of `bytesMax` bytes.
    func readAll(from first: UInt64 = 1, bytesMax: Int = .max) throws -> [Found] {
        var found: [Found] = []
        var next = LogPosition(first)
        while true {
            let before = next
            next = try read(from: next, bytesMax: bytesMax) { position, payload in
                found.append(Found(position: position.rawValue, payload: Array(payload)))
                return true
            }
            if next == before { return found }
        }
    }

    /// The positions of one page.
    func page(from first: UInt64, bytesMax: Int = .max) throws -> [UInt64] {
        var found: [UInt64] = []
        _ = try read(from: LogPosition(first), bytesMax: bytesMax) { position, _ in
            found.append(position.rawValue)
            return true
        }
        return found
    }
}

/// A log that a test writes batch by batch, without threads.
final class SteppedLog {
    let log: WriteAheadLog
    let device: SimulatedDevice
    private let steps: LogSteps
    let failures = Observer()

    init(_ device: SimulatedDevice = SimulatedDevice(), _ options: WriteAheadLog.Options = .small) throws {
        self.device = device
        log = try WriteAheadLog.open(folder: WrittenLog.folder, options: options, device: device)
        _ = try log.replayAll(from: (log.snapshotPosition?.rawValue ?? 0) + 1)
        steps = try log.startStepped(onDurable: { _ in }, onFailure: { [failures] in failures.failed($0) })
    }

    /// One batch with so many records, durable.
    func write(_ count: UInt64, length: Int = 24) throws {
        try append(count, length: length)
        while log.durablePosition < log.lastPosition { guard step() else { return } }
    }

    func append(_ count: UInt64, length: Int = 24) throws {
        let first = log.lastPosition.rawValue + 1
        try log.append(first...first + count - 1, length: length)
    }

    @discardableResult
    func step() -> Bool { steps.write() }

    /// A snapshot of everything, which lets go of what older ones needed.
    func snapshot() throws { try log.writeSnapshot(at: log.durablePosition.rawValue) }
}

extension WriteAheadLog.Options {
    /// The newest batches come from the files like all others.
    static var withoutTail: Self {
        var options = small
        options.tailBytesMax = 0
        return options
    }
}
