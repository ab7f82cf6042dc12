import Testing
import WAL

@testable import Engine

/// Folders that a later build may write: this one says what it met, and leaves them as they are.
@Suite struct NewerFormatTests {
    private static let event: UInt64 = 0x1122_3344_5566_7788

    /// A log with one record, and where asked a snapshot with one.
    private func device(
        record: (inout RecordBuffer) -> Void,
        snapshot: ((inout RecordBuffer) -> Void)? = nil
    ) throws -> SimulatedDevice {
        let device = SimulatedDevice()
        let log = try open(device)
        _ = try log.replay(from: LogPosition(1)) { _, _ in }
        try log.start(onDurable: { _ in }, onFailure: { Issue.record("\($0)") })
        let position = try log.append(Self.buffer(record))
        while log.durablePosition < position {}
        if let snapshot {
            let writer = try log.beginSnapshot(at: position)
            try writer.append(Self.buffer(snapshot))
            try writer.finish()
        }
        try log.close()
        return device
    }

    private static func buffer(_ body: (inout RecordBuffer) -> Void) -> RecordBuffer {
        var buffer = RecordBuffer()
        buffer.beginRecord()
        body(&buffer)
        buffer.endRecord()
        return buffer
    }

    private func open(_ device: SimulatedDevice) throws -> WriteAheadLog {
        var options = WriteAheadLog.Options()
        options.segmentBytes = 2 << 20
        options.spareSegments = 0
        return try WriteAheadLog.open(folder: "/log", options: options, device: device)
    }

    private func expectRefusal(_ device: SimulatedDevice, position: UInt64, saying: String) throws {
        let copy = device.copy()
        let before = copy.paths.map { copy.contents(of: $0) }
        let log = try open(copy)
        var recovery = Recovery()
        let error = #expect(throws: RecoveryError.self) { try recovery.run(log) }
        try log.close()
        let text = "\(try #require(error))"
        #expect(text.contains("position \(position)") && text.contains(saying), "\(text)")
        #expect(text.contains("start the version that wrote it"), "\(text)")
        #expect(copy.paths.map { copy.contents(of: $0) } == before, "nothing was changed")
    }

    @Test func aFlagThatIsNotKnown() throws {
        let device = try device { buffer in
            buffer.write(Self.event)
            buffer.write(UInt64(1))
            buffer.write(UInt8(4))
            buffer.write(UInt16(0))
        }
        try expectRefusal(device, position: 1, saying: "unknown flags 4")
    }

    @Test func aFactThatIsNotKnown() throws {
        let device = try device { buffer in
            buffer.write(Self.event)
            buffer.write(UInt64(1))
            buffer.write(UInt8(0))
            buffer.write(UInt16(1))
            buffer.write(UInt8(250))
        }
        try expectRefusal(device, position: 1, saying: "250 is no kind of fact")
    }

    /// Found when the log is read, not when somebody retries.
    @Test func anAnswerThatIsNotKnown() throws {
        for (kind, isKnown) in [(UInt8(8), true), (10, false), (19, false)] {
            let buffer = Self.buffer { buffer in
                buffer.write(Self.event)
                buffer.write(UInt64(1))
                buffer.write(UInt8(1))
                buffer.write(UInt16(0))
                for _ in 0..<3 { buffer.write(UInt64(7)) }
                buffer.write(kind)
            }
            let record = buffer.withBytes { bytes in
                // Behind the frame's header.
                try? EventRecord(UnsafeRawBufferPointer(rebasing: bytes[8..<8 + 8 + 8 + 1 + 2 + 24 + 1]))
            }
            #expect((record != nil) == isKnown, "kind \(kind)")
        }
    }

    @Test func aFactOfASnapshotThatIsNotKnown() throws {
        let device = try device { buffer in
            buffer.write(Self.event)
            buffer.write(UInt64(1))
            buffer.write(UInt8(0))
            buffer.write(UInt16(0))
        } snapshot: { buffer in
            buffer.write(Self.event)
            buffer.write(UInt64(1))
            buffer.write(false)
            buffer.write(UInt8(250))
        }
        try expectRefusal(device, position: 0, saying: "250 is no kind of fact")
    }
}
