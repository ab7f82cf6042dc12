import WAL

/// What to do about a folder: for every finding the command that loses least.
struct Remedies {
    let check: FolderCheck

    /// The last record that a cut can keep: up to here the log can be read without a gap and makes sense.
    var latestCut: UInt64 {
        let readable = check.runs.first?.last ?? 0
        let sensible = check.contradictions.map(\.place).filter { $0.run == 0 }.map { $0.position - 1 }.min()
        return min(readable, sensible ?? readable)
    }

    /// The first position at which a cut leaves something to start from; nil when nothing does.
    var earliestCut: UInt64? { starts.map(\.reach).min() }

    /// The state that a start begins with when one snapshot is gone; nil when there is none.
    func startLeft(withoutSnapshot position: UInt64) -> UInt64? {
        starts.first { $0.position != position }?.position
    }

    /// States to begin with that the log continues, the newest first.
    private var starts: [FolderCheck.Start] {
        guard let first = check.runs.first?.first else { return [] }
        let empty = first == 1 ? [FolderCheck.Start(position: 0, reach: 0)] : []
        return check.snapshots.filter { $0.position + 1 >= first } + empty
    }

    /// Snapshots that stay when the log is cut: those with nothing from behind the cut.
    func snapshotsKept(cuttingAt position: UInt64) -> Set<UInt64> {
        Set(check.snapshots.filter { $0.reach <= position }.map(\.position))
    }

    /// The last record that is left when only what can't be read behind it is given up.
    func lastLeft(startingAt snapshot: UInt64) -> UInt64 { max(snapshot, check.runs.last?.last ?? 0) }

    /// Whether nothing that was in the log goes with a segment that can't be used.
    func isLossless(droppingSegment number: UInt64) -> Bool {
        let loses = check.findings.contains { $0.number == number && !$0.isAboutSnapshot && $0.positions != nil }
        return !loses && check.runs.count == 1 && !check.endsInDamage && !starts.isEmpty
    }

    /// The snapshot from which everything that is left can be had without the damaged part of the log; nil where a cut
    /// keeps as much.
    private var snapshotBehindDamage: FolderCheck.Start? {
        let lastContradiction = check.contradictions.map(\.place.position).max() ?? 0
        return check.snapshots.first { snapshot in
            guard snapshot.position >= lastContradiction else { return false }
            // A damaged end stays damaged when what is before it is given up.
            if check.endsInDamage, snapshot.position <= check.runs.first?.last ?? 0 { return false }
            guard let run = check.runs.last, snapshot.position < run.last || run.last >= snapshot.reach else {
                return snapshot.reach == snapshot.position
            }
            return snapshot.position + 1 >= run.first && snapshot.reach <= run.last
        }
    }

    /// The findings with consequence, remedy and command.
    func applied() -> [FolderFinding] {
        check.findings.map { finding in
            var finding = finding
            (finding.consequence, finding.remedy, finding.command) = answer(to: finding)
            return finding
        }
    }

    private typealias Answer = (consequence: String, remedy: String, command: String?)

    private func answer(to finding: FolderFinding) -> Answer {
        switch finding.logKind {
        case .tornTail:
            return ("no answered change is in it; the next start cuts it off", "nothing", nil)
        case .manifestSlotDamaged:
            return ("the other slot is used", "nothing; the next start writes this one anew", nil)
        case .unfinishedFile:
            return ("none", "nothing; the next start removes it", nil)
        case .unknownFile:
            return ("none; the server ignores it", "move it elsewhere if you don't know it", nil)
        case .newerVersion:
            return ("this program can't read the folder", "start the newer program that wrote it", nil)
        case .unreadable:
            return (
                "the disk does not give the data back",
                "look into the kernel's log; copy the folder to a healthy disk (cp -a), then verify the copy", nil
            )
        case .snapshotMissing where !starts.isEmpty:
            return (
                "a start takes longer, and one that is damaged next has no other to stand in for it",
                "no record is lost: take it off the list", command("--rebuild-manifest")
            )
        case .manifestMissing, .manifestDamaged, .manifestForeign:
            return (refused, "no record is lost: write it again from the segments", command("--rebuild-manifest"))
        case .segmentShort:
            return (
                refused, "no record is lost that the file still has: correct what its header says of its size",
                command("--rebuild-header \(finding.number ?? 0)")
            )
        case .segmentHeaderDamaged where !check.unusableSegments.contains(finding.number ?? 0):
            let name = command("--rebuild-header \(finding.number ?? 0)")
            return (refused, "no record is lost: write the header again from the segment's batches", name)
        case .segmentMisnamed, .segmentForeign, .segmentHeaderDamaged:
            let number = finding.number ?? 0
            guard isLossless(droppingSegment: number), check.contradictions.isEmpty else { return damage(finding) }
            let option = "--drop-segment \(number)"
            return (refused, "no record is lost, the log is whole without it: remove it", command(option))
        default:
            return finding.isAboutSnapshot ? snapshotAnswer(finding) : damage(finding)
        }
    }

    private func snapshotAnswer(_ finding: FolderFinding) -> Answer {
        let position = finding.number ?? 0
        let isPassedOver = finding.kind == nil
        if finding.kind == .logShorterThanSnapshot { return damage(finding) }
        if finding.kind == .snapshotWithoutLog, !starts.isEmpty {
            return ("it can't be started from", "no record is lost: remove it", command("--drop-snapshot \(position)"))
        }
        guard let other = starts.first(where: { $0.position != position }) else {
            return (refused, "nothing else in the folder leads to a state: \(backup)", nil)
        }
        let from = other.position == 0 ? "the log's first record" : "the snapshot at \(other.position)"
        return (
            isPassedOver ? "a start begins with \(from) instead, and takes longer" : refused,
            "no record is lost, \(from) and the log behind it hold the same: remove the snapshot",
            command("--drop-snapshot \(position)")
        )
    }

    /// Something is wrong with the log itself.
    private func damage(_ finding: FolderFinding) -> Answer {
        let lost =
            finding.positions.map {
                finding.kind == nil ? "; \(Self.text(of: $0)) can't be read" : ""
            } ?? ""
        if let snapshot = snapshotBehindDamage {
            let left = lastLeft(startingAt: snapshot.position)
            let price =
                check.endsInDamage
                ? "; this gives up what stood behind record \(left), which can't be read, so restore a backup instead "
                    + "if one reaches further" : ""
            return (
                refused + lost,
                (check.endsInDamage ? "" : "no change is lost, ")
                    + "the snapshot at \(snapshot.position) holds what was before it: give up the log before the snapshot"
                    + price,
                command("--start-at-snapshot \(snapshot.position)")
            )
        }
        let cut = latestCut
        guard starts.contains(where: { $0.reach <= cut }) else {
            return (refused + lost, "nothing in the folder leads past the damage: \(backup)", nil)
        }
        let last = max(check.runs.map(\.last).max() ?? cut, finding.positions?.upperBound ?? cut)
        let readable = last > cut ? "gives up \(Self.text(of: cut + 1...last))" : "gives up no record that can be read"
        let given = readable + (check.endsInDamage ? " and what stood behind, which can't be read" : "")
        return (
            refused + lost,
            "cut the log behind record \(cut); this \(given), so restore a backup instead if one reaches further",
            command("--truncate-at \(cut)")
        )
    }

    private static func text(of positions: ClosedRange<UInt64>) -> String {
        positions.count == 1
            ? "record \(positions.lowerBound)" : "records \(positions.lowerBound) to \(positions.upperBound)"
    }

    private var refused: String {
        check.startError == nil ? "a server still starts" : "no server starts from this folder"
    }
    private var backup: String { "restore a backup (holdfast restore --data BACKUP --to NEWDIR)" }

    private func command(_ option: String) -> String { "holdfast repair --data \(check.folder.shellQuoted) \(option)" }
}

extension String {
    /// As one word of a shell command.
    var shellQuoted: String {
        let isPlain = utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"):
                true
            default: false
            }
        }
        return isPlain && !isEmpty
            ? self : "'" + split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
