import Engine

/// A checked folder, as text and as JSON.
struct FolderReport {
    let check: FolderCheck
    let findings: [FolderFinding]

    init(_ check: FolderCheck) {
        self.check = check
        findings = Remedies(check: check).applied()
    }

    var isSound: Bool { check.isSound }

    // MARK: Text

    var text: String {
        var lines = findings.filter(\.isDamage).flatMap { Self.lines(of: $0, "DAMAGE") }
        lines += check.brokenInvariants.prefix(100).map { "BROKEN        \($0)" }
        lines += findings.filter { !$0.isDamage }.flatMap { Self.lines(of: $0, "note") }
        lines += stateLines
        lines.append("invariants    \(check.brokenInvariants.isEmpty ? "hold" : "are broken")")
        lines.append("result        \(result)")
        return lines.joined(separator: "\n")
    }

    private static func lines(of finding: FolderFinding, _ mark: String) -> [String] {
        func line(_ label: String, _ text: String) -> String { label.padded + text }
        let batch = finding.batch.map { finding.isAboutSnapshot ? ", chunk \($0)" : ", batch \($0)" } ?? ""
        var lines = [
            line(mark, "\(finding.name): \(finding.file), byte \(finding.offset)\(batch)"),
            line("", finding.reason),
            line("  follows", finding.consequence),
            line("  remedy", finding.remedy),
        ]
        if let command = finding.command {
            lines.append(line("  command", command))
            lines.append(line("", "(shows what it would do; with --apply it does it, and keeps a copy)"))
        }
        return lines
    }

    private var stateLines: [String] {
        let state = check.newest
        let stock = StockSummary(of: state.replay)
        let snapshots = check.snapshots.map { "\($0.position)" }.joined(separator: ", ")
        return [
            "folder        \(check.folder)",
            "snapshots     \(snapshots.isEmpty ? "none" : "at position \(snapshots)")",
            "log           \(runsText); \(check.counts.segments) segments, \(check.counts.batches) batches, "
                + "\(check.counts.bytes) bytes",
            "state         as of position \(state.last)"
                + (state.replay.lastRecordAt.map { ", \(Self.text(of: $0))" } ?? ""),
            "events        \(stock.events), sections \(stock.sections)",
            "reservations  \(stock.holds) in memory, answers kept for retries \(stock.keys)",
            "places        total \(stock.total), reserved \(stock.reserved), sold \(stock.sold), buffer \(stock.buffer)",
            "digest        \(state.replay.digestText)",
        ]
    }

    private var runsText: String {
        guard check.runs.contains(where: { $0.last >= $0.first }) else { return "no records" }
        return "records " + check.runs.map { "\($0.first) to \($0.last)" }.joined(separator: ", then ")
    }

    private var result: String {
        if isSound { return "sound" }
        return check.startError.map { "damaged; no server starts from it: \($0)" } ?? "damaged; a server still starts"
    }

    static func text(of milliseconds: Milliseconds) -> String {
        guard (0...Timestamp.epochMillisecondsMax).contains(milliseconds) else { return "\(milliseconds) ms" }
        var bytes = ByteWriter(capacity: 64)
        Timestamp.append(epochMilliseconds: milliseconds, to: &bytes)
        return bytes.withBytes { String(decoding: $0, as: UTF8.self) }
    }
}

extension String {
    fileprivate var padded: String { self + String(repeating: " ", count: max(1, 14 - count)) }
}

/// Sums over all events.
struct StockSummary {
    var events = 0
    var sections = 0
    var holds = 0
    var keys = 0
    var (total, reserved, sold, buffer) = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))

    init(of replay: CheckedReplay) {
        for event in replay.events {
            events += event.isOfTenant ? 0 : 1
            sections += event.sectionCount
            holds += event.holdSlotCount
            keys += event.idempotencyCount
            for number in 0..<SectionNumber(event.sectionCount) {
                let counts = event.counts(number)
                total += UInt64(counts.total)
                reserved += UInt64(counts.reserved)
                sold += UInt64(counts.sold)
                buffer += UInt64(counts.buffer)
            }
        }
    }
}

// MARK: - JSON

extension FolderReport {
    var json: String {
        var out = ByteWriter(capacity: 4_096)
        out.beginObject()
        out.field("folder", check.folder)
        out.field("sound", isSound)
        out.field("starts", check.startError == nil)
        if let error = check.startError { out.field("start_error", error) }
        out.key("findings")
        out.beginArray()
        for finding in findings { Self.write(finding, to: &out) }
        out.endArray()
        out.key("broken_invariants")
        out.beginArray()
        for line in check.brokenInvariants.prefix(100) { out.string(line) }
        out.endArray()
        writeState(to: &out)
        out.endObject()
        return out.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    private static func write(_ finding: FolderFinding, to out: inout ByteWriter) {
        out.beginObject()
        out.field("kind", finding.name)
        out.field("damage", finding.isDamage)
        out.field("file", finding.file)
        out.field("offset", Int64(finding.offset))
        if let batch = finding.batch { out.field("batch", Int64(clamping: batch)) }
        if let positions = finding.positions {
            out.field("first_position", Int64(clamping: positions.lowerBound))
            out.field("last_position", Int64(clamping: positions.upperBound))
        }
        out.field("reason", finding.reason)
        out.field("consequence", finding.consequence)
        out.field("remedy", finding.remedy)
        if let command = finding.command { out.field("command", command) }
        out.endObject()
    }

    private func writeState(to out: inout ByteWriter) {
        out.key("snapshots")
        out.beginArray()
        for snapshot in check.snapshots { out.integer(Int64(clamping: snapshot.position)) }
        out.endArray()
        out.key("runs")
        out.beginArray()
        for run in check.runs {
            out.beginObject()
            out.field("first_position", Int64(clamping: run.first))
            out.field("last_position", Int64(clamping: run.last))
            out.endObject()
        }
        out.endArray()
        let stock = StockSummary(of: check.newest.replay)
        out.field("position", Int64(clamping: check.newest.last))
        out.field("digest", check.newest.replay.digestText)
        out.field("events", Int64(stock.events))
        out.field("reservations", Int64(stock.holds))
        out.field("reserved", Int64(clamping: stock.reserved))
        out.field("sold", Int64(clamping: stock.sold))
    }
}
