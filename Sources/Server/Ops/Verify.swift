import ArgumentParser
import Engine
import WAL

/// `holdfast verify`: replays the data folder without a server, checks every invariant, prints counts and digest.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replay the log and snapshots offline and check every invariant.",
        discussion: "Changes nothing. Exits 1 when the folder can't be read or an invariant is broken."
    )

    @Option(help: "The data folder; no server may be using it.")
    var data: String

    func run() throws {
        do {
            try verify()
        } catch let error as LogError {
            throw CleanExit.failure("\(error)")
        } catch let error as RecoveryError {
            throw CleanExit.failure("\(data): \(error)")
        }
    }

    private func verify() throws {
        let log = try WriteAheadLog.openReadOnly(folder: data, device: IOUringDevice())
        defer { try? log.close() }
        for notice in log.notices { print("note          \(notice)") }
        var recovery = Recovery()
        let summary = try recovery.run(log)
        var broken: [String] = []
        var stock = SectionCounts(total: 0, buffer: 0, reserved: 0, sold: 0)
        var (sections, slots, keys) = (0, 0, 0)
        for event in recovery.events.values {
            broken += event.checkInvariants()
            sections += event.sectionCount
            slots += event.holdSlotCount
            keys += event.idempotencyCount
            for number in 0..<SectionNumber(event.sectionCount) {
                let counts = event.counts(number)
                stock.total &+= counts.total
                stock.buffer &+= counts.buffer
                stock.reserved &+= counts.reserved
                stock.sold &+= counts.sold
            }
        }
        print("folder        \(data)")
        print("snapshot      \(log.snapshotPosition.map { "position \($0)" } ?? "none")")
        print("records       \(summary.recordCount) behind the snapshot, last position \(summary.lastPosition)")
        print("segments      \(summary.segmentCount), \(summary.batchCount) batches, \(summary.bytesRead) bytes")
        print("tail          \(Self.text(of: summary.tail))")
        print("events        \(recovery.events.count), sections \(sections)")
        print("reservations  \(slots) in memory, answers kept for retries \(keys)")
        print(
            "places        total \(stock.total), reserved \(stock.reserved), sold \(stock.sold), buffer \(stock.buffer)"
        )
        print("digest        \(String(recovery.digest, radix: 16))")
        guard broken.isEmpty else {
            for line in broken.prefix(100) { print("BROKEN        \(line)") }
            throw ExitCode(1)
        }
        print("invariants    hold")
    }

    private static func text(of tail: ReplaySummary.Tail) -> String {
        switch tail {
        case .clean: "clean"
        case .cut(let file, let offset, let later):
            "an unfinished write at byte \(offset) of \(file), \(later) batches behind it; none was ever answered"
        }
    }
}

extension CleanExit {
    /// Prints the text to standard error and exits 1.
    static func failure(_ text: String) -> any Error { ValidationFailure(text: text) }
}

private struct ValidationFailure: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
}
