@testable import WAL

/// A log's folder with damage in it: what is delivered of it is in a whole batch, at its place, or nothing is delivered.
///
/// The input says what to damage. Its first byte: with bit 0 the checksums of headers are made right again, with bit 1
/// those of batches and chunks, with bit 2 each batch and chunk names the one before it; so that the reader is reached
/// behind its checksums. Then, as often as there are bytes: a file, an offset (two bytes), an operation with a count, and
/// for writing that many bytes.
enum LogTarget {
    static func run(_ input: UnsafeRawBufferPointer) throws(Finding) {
        guard let flags = input.first else { return }
        var files = LogImage.sound
        damage(&files, input.dropFirst())
        for index in files.indices {
            files[index].mend(headers: flags & 1 != 0, bodies: flags & 2 != 0, chain: flags & 4 != 0)
        }
        let device = SimulatedDevice()
        try? device.createFolder(LogImage.folder)
        for file in files where !file.isLost { device.setContents(of: file.path, to: file.bytes) }
        do {
            try read(device, files)
        } catch let finding as Finding {
            throw finding
        } catch {
            guard let error = error as? LogError else { throw Finding("an unexpected error: \(error)") }
            guard !error.description.isEmpty else { throw Finding("an error that says nothing") }
        }
    }

    private static func read(_ device: SimulatedDevice, _ files: [LogImage.File]) throws {
        let log = try WriteAheadLog.openReadOnly(folder: LogImage.folder, device: device)
        defer { try? log.close() }
        let whole = files.filter { !$0.isLost }.flatMap(\.wholeRecords)
        try log.readSnapshot { payload in
            guard whole.contains(where: { $0.position == nil && $0.payload == Array(payload) }) else {
                throw Finding("a record of the snapshot that is in no whole chunk")
            }
        }
        var expected: UInt64 = 1
        let summary = try log.replay(from: LogPosition(1)) { position, payload in
            guard position.rawValue == expected else { throw Finding("record \(position) after \(expected - 1)") }
            expected += 1
            guard whole.contains(where: { $0.position == position.rawValue && $0.payload == Array(payload) }) else {
                throw Finding("record \(position) is in no whole batch")
            }
        }
        guard summary.lastPosition.rawValue == expected - 1 else { throw Finding("the log ends elsewhere") }
    }

    private static func damage(_ files: inout [LogImage.File], _ input: Slice<UnsafeRawBufferPointer>) {
        var rest = input
        while rest.count >= 4 {
            let (file, low, high, operation) = (
                rest.removeFirst(), rest.removeFirst(), rest.removeFirst(), rest.removeFirst()
            )
            let index = Int(file) % files.count
            let offset = Int(low) | Int(high) << 8
            let count = Int(operation & 15) + 1
            switch operation >> 4 {
            case 12:
                files[index].rename(to: rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
                rest = rest.dropFirst(8)
            case 13: files[index].bytes.removeSubrange(min(offset, files[index].bytes.count)...)
            case 14: files[index].isLost = true
            case 15: files[index].copyBlock(from: offset, to: count)
            default:
                let bytes = rest.prefix(count)
                rest = rest.dropFirst(count)
                for (place, byte) in bytes.enumerated() where offset + place < files[index].bytes.count {
                    files[index].bytes[offset + place] = byte
                }
            }
        }
    }

    static let seeds: [[UInt8]] = [
        // Nothing; the last batch's body; the batch before it; a length, mended; a batch's position, mended.
        [0], [0, 2, 0x80, 0x20, 3, 9, 9, 9, 9], [0, 2, 0x80, 0x10, 3, 9, 9, 9, 9],
        [7, 1, 0x4C, 0x10, 3, 0xFF, 0xFF, 0xFF, 0x7F],
        [7, 1, 0x30, 0x10, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        // A segment lost, the manifest lost, a file cut, a block repeated, a segment's start and the snapshot's mended.
        [0, 1, 0, 0, 0xE0], [0, 0, 0, 0, 0xE0], [0, 2, 0, 0x28, 0xD0], [7, 1, 0, 0x10, 0xF2],
        [7, 2, 0x40, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        [7, 3, 0x20, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        // A snapshot as of the last position there is, by its name as well; a segment that begins before the first.
        [7, 3, 0x20, 0, 7, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0xC0]
            + [UInt8](repeating: 0xFF, count: 8) + [3, 0x20, 0x30, 7] + [UInt8](repeating: 0xFF, count: 8),
        [5, 1, 0x40, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x10, 0xD0, 2, 0, 0, 0xE0, 3, 0, 0, 0xE0]
            + [0, 0x30, 0, 0, 1, 0, 0x30, 0x10, 0, 1],
    ]
}
