import Testing

@testable import WAL

/// Every file of a folder truncated, missing, doubled, emptied, too long, or of another log: each with the outcome that
/// follows from what the file is, and nothing changed where the start is refused.
@Suite struct FolderDamageTests {
    /// Three sessions of six records, so three segments; snapshots at 3 in the first and at 9 in the second.
    private static let written: SimulatedDevice = writeFolder(seed: 1)
    /// The same life of another log: the same names, another identity.
    private static let other: SimulatedDevice = writeFolder(seed: 2)

    private static func writeFolder(seed: UInt64) -> SimulatedDevice {
        let device = SimulatedDevice()
        var options = WriteAheadLog.Options.small
        for session in 1...3 as ClosedRange<UInt64> {
            options.fixedRandom = seed << 32 | session << 8
            do {
                let log = try WriteAheadLog.open(folder: "/log", options: options, device: device)
                _ = try log.replayAll(from: (log.snapshotPosition?.rawValue ?? 0) + 1)
                let observer = Observer()
                try log.start(observer)
                for part in 0..<2 as Range<UInt64> {
                    let first = (session - 1) * 6 + part * 3 + 1
                    let last = try log.append(first...first + 2)
                    precondition(observer.wait(until: last))
                    if session < 3 && part == 0 { try log.writeSnapshot(at: first + 2) }
                }
                try log.close()
            } catch {
                preconditionFailure("\(error)")
            }
        }
        return device.copy()
    }

    enum Damage: CaseIterable {
        case missing, emptied, cutInItsFirstBlock, cutToItsFirstBlock, halved, cutByABlock, cutByAByte, tooLong
        case ofAnotherLog, copiedToTheNextNumber

        /// nil when there is no such file.
        func content(_ path: String) -> [UInt8]? {
            let whole = FolderDamageTests.written.contents(of: path)!
            return switch self {
            case .missing: nil
            case .emptied: []
            case .cutInItsFirstBlock: Array(whole.prefix(100))
            case .cutToItsFirstBlock: Array(whole.prefix(4096))
            case .halved: Array(whole.prefix(whole.count / 8192 * 4096))
            case .cutByABlock: Array(whole.dropLast(4096))
            case .cutByAByte: Array(whole.dropLast())
            case .tooLong: whole + [UInt8](repeating: 0x5A, count: 4096)
            case .ofAnotherLog: FolderDamageTests.other.contents(of: path)!
            case .copiedToTheNextNumber: whole
            }
        }
    }

    private enum Outcome: Equatable {
        /// All 18 records, and not a word.
        case whole
        /// All of them, and one notice that names the file.
        case noted(String)
        /// `corrupt`, naming the file.
        case refused(String)
    }

    private static let manifest = "/log/MANIFEST"
    private static func segment(_ number: UInt64) -> String { WrittenLog.segmentPath(number) }
    private static func snapshot(_ position: UInt64) -> String { "/log/\(LogFolder.snapshotName(position))" }

    private func expect(
        _ outcome: Outcome,
        _ name: String,
        _ change: (SimulatedDevice) -> Void
    ) throws {
        let device = Self.written.copy()
        change(device)
        let before = device.everything
        let result = StartResult(device, length: 24) { records(1...$0).map(\.payload) }
        #expect(device.everything == before, "\(name): looking at it changed it")
        switch outcome {
        case .whole: #expect(result.matches(.harmless, acknowledged: 18), "\(name): \(result)")
        case .noted(let path):
            #expect(result.matches(.passedOver, acknowledged: 18), "\(name): \(result)")
            #expect(result.notices.first?.contains(path) == true, "\(name): \(result)")
        case .refused(let path):
            #expect(result.matches(.refused(path: path), acknowledged: 18), "\(name): \(result)")
            #expect("\(result)".contains("Nothing was changed"), "\(name)")
            let writer = logError { try device.appendInNewSession() }
            #expect(writer == result.error, "\(name): a start says \(String(describing: writer))")
            #expect(device.everything == before, "\(name): the refused start changed it")
            return
        }
        // A start goes on, and the next one finds all of it.
        #expect(try device.appendInNewSession() == 19, "\(name)")
        let again = StartResult(device, length: 24) { records(1...$0).map(\.payload) }
        #expect(again.error == nil && again.last == 19, "\(name): \(again)")
    }

    @Test(arguments: Damage.allCases)
    func segments(damage: Damage) throws {
        for number in 1...3 as ClosedRange<UInt64> {
            let path = Self.segment(number)
            let outcome: Outcome =
                switch damage {
                // Nothing needs the first segment while the snapshot in the second is whole.
                case .missing where number == 1: .whole
                // The log has to reach the snapshot, and the last segment is in the manifest.
                case .missing: .refused(number == 2 ? Self.segment(1) : path)
                case .tooLong: .whole
                case .copiedToTheNextNumber: .refused(Self.segment(number + 1))
                default: .refused(path)
                }
            try expect(outcome, "\(damage) \(path)") { device in
                guard damage != .copiedToTheNextNumber else {
                    return device.setContents(of: Self.segment(number + 1), to: damage.content(path)!)
                }
                if let content = damage.content(path) {
                    device.setContents(of: path, to: content)
                } else {
                    device.lose(path)
                }
            }
        }
    }

    @Test(arguments: Damage.allCases)
    func snapshots(damage: Damage) throws {
        for position in [3, 9] as [UInt64] {
            let path = Self.snapshot(position)
            let copy = Self.snapshot(position + 1)
            try expect(.noted(damage == .copiedToTheNextNumber ? copy : path), "\(damage) \(path)") { device in
                guard damage != .copiedToTheNextNumber else {
                    return device.setContents(of: copy, to: damage.content(path)!)
                }
                if let content = damage.content(path) {
                    device.setContents(of: path, to: content)
                } else {
                    device.lose(path)
                }
            }
        }
    }

    @Test(arguments: Damage.allCases)
    func manifest(damage: Damage) throws {
        let outcome: Outcome =
            switch damage {
            // One slot is enough, whichever it is.
            case .cutToItsFirstBlock, .halved, .cutByABlock, .cutByAByte, .tooLong, .copiedToTheNextNumber: .whole
            case .missing, .emptied, .cutInItsFirstBlock, .ofAnotherLog: .refused(Self.manifest)
            }
        try expect(outcome, "\(damage)") { device in
            guard damage != .copiedToTheNextNumber else {
                return device.setContents(of: "/log/MANIFEST.old", to: damage.content(Self.manifest)!)
            }
            if let content = damage.content(Self.manifest) {
                device.setContents(of: Self.manifest, to: content)
            } else {
                device.lose(Self.manifest)
            }
        }
    }

    /// All segments gone, whatever else is there: never an empty log in the place of a full one.
    @Test func everySegmentGone() throws {
        for isManifestOld in [false, true] {
            try expect(.refused(Self.segment(isManifestOld ? 1 : 3)), "manifest older: \(isManifestOld)") { device in
                for number in 1...3 as ClosedRange<UInt64> { device.lose(Self.segment(number)) }
                guard isManifestOld else { return }
                // The manifest of the folder when it was new: it promises no segment at all.
                var bytes = device.contents(of: Self.manifest)!
                for slot in [0, 4096] { reseal(&bytes, blockAt: slot) { $0.put(UInt64(0), at: 48) } }
                device.setContents(of: Self.manifest, to: bytes)
            }
        }
    }

    /// Both snapshots gone: the log alone has everything. With the first segment gone too there is nothing to begin with.
    @Test func everySnapshotGone() throws {
        let device = Self.written.copy()
        for position in [3, 9] as [UInt64] { device.lose(Self.snapshot(position)) }
        let read = try device.readEverything()
        #expect(read.found == records(1...18))
        #expect(read.notices.count == 2)
        try expect(.refused(Self.snapshot(9)), "and the first segment") { device in
            for position in [3, 9] as [UInt64] { device.lose(Self.snapshot(position)) }
            device.lose(Self.segment(1))
        }
    }

    /// A name and a content that say different positions, with everything else right.
    @Test func snapshotUnderAnotherPosition() throws {
        for (position, name) in [(9, 3), (9, 10), (3, 9), (3, 18)] as [(UInt64, UInt64)] {
            try expect(.noted(Self.snapshot(name)), "\(position) as \(name)") { device in
                device.setContents(of: Self.snapshot(name), to: Self.written.contents(of: Self.snapshot(position))!)
            }
        }
    }

    /// A snapshot whose position the log doesn't reach: the log was cut, not the snapshot made up.
    @Test func snapshotBeyondTheLog() throws {
        try expect(.refused(Self.segment(3)), "a snapshot at 19") { device in
            var bytes = device.contents(of: Self.snapshot(9))!
            for block in [0, bytes.count - 4096] { reseal(&bytes, blockAt: block) { $0.put(UInt64(19), at: 32) } }
            device.setContents(of: Self.snapshot(19), to: bytes)
        }
    }

    /// Names that are not ours, or nearly ours, are neither read nor removed.
    @Test func foreignNames() throws {
        let names = [
            "notes.txt", "wal-1", "wal-00000000000000000002.bak", "wal-0000000000000000000x", "snap-11",
            "snap-99999999999999999999", "MANIFEST~", "lost+found", "editor.tmp", ".hidden",
        ]
        try expect(.whole, "foreign names") { device in
            for name in names { device.setContents(of: "/log/\(name)", to: [1, 2, 3]) }
        }
        let device = Self.written.copy()
        for name in names { device.setContents(of: "/log/\(name)", to: [1, 2, 3]) }
        try device.appendInNewSession()
        for name in names { #expect(device.contents(of: "/log/\(name)") == [1, 2, 3], "\(name)") }
    }

    /// What we left unfinished ourselves goes at the next start, and not before the folder was found good.
    @Test func unfinishedFiles() throws {
        let names = [
            "\(LogFolder.snapshotName(11)).tmp", "\(LogFolder.spareName(7)).tmp", "\(LogFolder.segmentName(9)).tmp",
            "MANIFEST.tmp",
        ]
        let device = Self.written.copy()
        for name in names { device.setContents(of: "/log/\(name)", to: [1, 2, 3]) }
        device.flipBit(0, of: Self.segment(2))
        let before = device.everything
        #expect(logError { try device.appendInNewSession() }?.isCorrupt == true)
        #expect(device.everything == before)
        device.flipBit(0, of: Self.segment(2))
        try device.appendInNewSession()
        #expect(!device.paths.contains { $0.hasSuffix(".tmp") })
    }

    /// Spares of a wrong size, or with anything in them: their content means nothing.
    @Test func strangeSpares() throws {
        for content in [[], [1, 2, 3], Self.written.contents(of: Self.segment(1))!] {
            try expect(.whole, "a spare of \(content.count) bytes") { device in
                device.setContents(of: "/log/\(LogFolder.spareName(5))", to: content)
            }
        }
    }
}
