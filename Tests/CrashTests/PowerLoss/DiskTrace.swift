import Foundation

/// What a recording disk has written down (Tests/PowerLoss/recording-disk.c), and the images that a power failure may
/// leave of it.
final class DiskTrace {
    private enum Kind: UInt32 {
        case write = 1
        case zero, writeDone, flush, flushDone
    }

    private struct Event {
        let kind: Kind
        /// Of the write or the flush.
        let number: Int
        let offset: Int
        let length: Int
        /// Where a write's bytes are in the file.
        let data: Int
    }

    private static let recordBytes = 32

    private let bytes: Data
    private let events: [Event]
    /// The disk with everything that completed flushes cover, so far.
    private let durable: MappedFile
    private var next = 0
    /// Arrived and not covered by a completed flush, in order; true when answered.
    private var pending: [(event: Event, isDone: Bool)] = []
    /// By number: the writes that a flush on its way covers.
    private var covered: [Int: Set<Int>] = [:]
    private(set) var flushesCompleted = 0

    /// - Parameters:
    ///   - trace: the path of a closed trace.
    ///   - base: the disk's content before it; changed from here on.
    init(trace: String, base: String) throws {
        bytes = try Data(contentsOf: URL(fileURLWithPath: trace), options: .alwaysMapped)
        durable = try MappedFile(base)
        var events: [Event] = []
        var position = 0
        bytes.withUnsafeBytes { bytes in
            while position + Self.recordBytes <= bytes.count {
                func field(_ offset: Int) -> Int {
                    Int(bytes.loadUnaligned(fromByteOffset: position + offset, as: UInt64.self))
                }
                let kind = Kind(rawValue: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))!
                position += Self.recordBytes
                let event = Event(
                    kind: kind,
                    number: field(8 - Self.recordBytes),
                    offset: field(16 - Self.recordBytes),
                    length: field(24 - Self.recordBytes),
                    data: position
                )
                events.append(event)
                if kind == .write { position += event.length }
            }
        }
        self.events = events
    }

    /// For every flush, how many writes were not covered by it or an earlier one when the next one was complete.
    func volatileWriteCounts() -> [Int] {
        var counts: [Int] = [0]
        var coveredThen: [Int: Int] = [:]
        var (arrived, done, durable) = (0, 0, 0)
        for event in events {
            switch event.kind {
            case .write, .zero: arrived += 1
            case .writeDone: done += 1
            case .flush: coveredThen[event.number] = done
            case .flushDone:
                counts[counts.count - 1] = arrived - durable
                durable = max(durable, coveredThen[event.number] ?? 0)
                counts.append(0)
            }
        }
        counts[counts.count - 1] = arrived - durable
        return counts
    }

    // MARK: Going on

    /// Makes everything durable that flush `number` and those before it cover. Goes forward only.
    func advance(to number: Int) {
        while flushesCompleted < number, next < events.count {
            step(events[next])
            next += 1
        }
    }

    private func step(_ event: Event) {
        switch event.kind {
        case .write, .zero: pending.append((event, false))
        case .writeDone:
            if let index = pending.lastIndex(where: { $0.event.number == event.number }) {
                pending[index].isDone = true
            }
        case .flush: covered[event.number] = Set(pending.lazy.filter(\.isDone).map(\.event.number))
        case .flushDone:
            flushesCompleted += 1
            guard let numbers = covered.removeValue(forKey: event.number) else { return }
            for entry in pending where numbers.contains(entry.event.number) {
                apply(entry.event, 0..<entry.event.length, to: durable)
            }
            pending.removeAll { numbers.contains($0.event.number) }
        }
    }

    private func apply(_ event: Event, _ part: Range<Int>, to file: MappedFile) {
        let target = UnsafeMutableRawBufferPointer(rebasing: file.bytes[(event.offset + part.lowerBound)...])
        if event.kind == .zero {
            memset(target.baseAddress!, 0, part.count)
        } else {
            bytes.withUnsafeBytes {
                _ = memcpy(target.baseAddress!, $0.baseAddress! + event.data + part.lowerBound, part.count)
            }
        }
    }

    // MARK: What a power failure leaves

    /// Fills `image` with what may be left when the power fails before the next flush is complete: everything flushed,
    /// and of what came later whole writes, none, or parts, down to single sectors.
    /// - Returns: how many writes no flush had covered.
    func cut(into image: MappedFile, _ random: inout SeededRandom) -> Int {
        memcpy(image.bytes.baseAddress!, durable.bytes.baseAddress!, durable.bytes.count)
        var volatile = pending.map(\.event)
        volatile += events[next...].prefix { $0.kind != .flushDone }.filter { $0.kind == .write || $0.kind == .zero }
        // The failure comes at any moment until then; mostly late, when the most is at stake.
        if Bool.random(using: &random) {
            volatile = Array(volatile.prefix(Int.random(in: 0...volatile.count, using: &random)))
        }
        // Some disks lose all of it, some nothing, most something.
        let keptOfEight = [0, 1, 4, 4, 4, 7, 8].randomElement(using: &random)!
        let grain = Bool.random(using: &random) ? 512 : 4_096
        for event in volatile {
            let isTorn = Int.random(in: 0..<2, using: &random) == 0 && !isSuperblock(event)
            let unit = isTorn ? grain : event.length
            for offset in stride(from: 0, to: event.length, by: unit)
            where Int.random(in: 0..<8, using: &random) < keptOfEight {
                apply(event, offset..<min(offset + unit, event.length), to: image)
            }
        }
        return volatile.count
    }

    /// The heads of ext4 and of its journal are 1024 bytes long: on a disk with sectors of 512 bytes half of one would
    /// be the end of any such filesystem, whatever is on it. They are written whole or not at all.
    private func isSuperblock(_ event: Event) -> Bool {
        if event.offset < 4_096 { return true }
        guard event.kind == .write, event.length >= 8 else { return false }
        return bytes.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: event.data, as: UInt64.self) == UInt64(0x0400_0000_9839_3bc0)
        }
    }
}

/// A file as memory.
final class MappedFile {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ path: String) throws {
        let descriptor = open(path, O_RDWR)
        let size = descriptor < 0 ? 0 : Int(lseek(descriptor, 0, SEEK_END))
        let address = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        close(descriptor)
        guard let address, address != MAP_FAILED else { throw ServerFailure(description: "\(path) can't be mapped") }
        bytes = UnsafeMutableRawBufferPointer(start: address, count: size)
    }

    deinit { munmap(bytes.baseAddress, bytes.count) }
}
