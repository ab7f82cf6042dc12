import ArgumentParser
import Engine
import Glibc
import WAL

/// `holdfast repair`: makes a damaged data folder one that a server starts from, at a price it names beforehand.
struct Repair: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a damaged data folder startable again; says first what is lost.",
        discussion: """
            Run `holdfast verify` first: it names the option that loses least. Without --apply this only says what it \
            would do. With --apply it keeps a copy of every file that it changes in DIR.before-repair-TIME, changes \
            them, and verifies the result. A repair that was interrupted can be run again.

            Exit status: 0 done, or with the dry run possible; 1 not possible, or still damaged afterwards; 2 the \
            folder can't be read or a server uses it; 64 wrong usage.
            """
    )

    @Option(help: ArgumentHelp("The data folder; no server may be using it.", valueName: "folder"))
    var data: String

    @Option(
        help: ArgumentHelp("Keep the records up to this position and give up all behind it.", valueName: "position")
    )
    var truncateAt: UInt64?

    @Option(
        help: ArgumentHelp(
            "Start from the snapshot at this position and give up the log before it.",
            valueName: "position"
        )
    )
    var startAtSnapshot: UInt64?

    @Option(
        help: ArgumentHelp(
            "Remove the snapshot at this position; another one, or the whole log, must hold the same.",
            valueName: "position"
        )
    )
    var dropSnapshot: UInt64?

    @Option(
        help: ArgumentHelp("Remove the segment with this number, which is not part of the log.", valueName: "number")
    )
    var dropSegment: UInt64?

    @Option(
        help: ArgumentHelp(
            "Write the header of the segment with this number again, from its batches.",
            valueName: "number"
        )
    )
    var rebuildHeader: UInt64?

    @Flag(help: "Write MANIFEST again, from the segments.")
    var rebuildManifest = false

    @Flag(help: "Do it. Without this nothing is changed.")
    var apply = false

    func validate() throws {
        let given: [Bool] = [
            truncateAt != nil, startAtSnapshot != nil, dropSnapshot != nil, dropSegment != nil, rebuildHeader != nil,
            rebuildManifest,
        ]
        guard given.count(where: { $0 }) == 1 else {
            throw ValidationError(
                "Give one of --truncate-at, --start-at-snapshot, --drop-snapshot, --drop-segment, --rebuild-header, "
                    + "--rebuild-manifest. `holdfast verify --data DIR` says which."
            )
        }
    }

    func run() throws {
        let isDone = try OperatorCommand.run(on: data) { try repair(on: $0) { print($0) } }
        guard isDone else { return }
        let report = try FolderReport.of(data)
        print(report.text)
        if !report.isSound { throw ExitCode(1) }
    }

    /// - Returns: whether anything was changed.
    func repair(on device: any LogDevice, say: (String) -> Void) throws -> Bool {
        let repair = try LogRepair(folder: data, device: device)
        let check = try FolderCheck(repair.examination, device: nil)
        if let unreadable = check.findings.first(where: { $0.logKind == .unreadable || $0.logKind == .newerVersion }) {
            throw LogRefusal(
                "\(unreadable.file) can't be judged: \(unreadable.reason). Copy the folder to a healthy disk, or start "
                    + "the newer program that wrote it"
            )
        }
        let wish = try wish(check)
        let plan = try repair.plan(wish)
        for line in try consequences(of: wish, repair.examination, check) { say(line) }
        say("Changes or removes: \(plan.changedFiles.joined(separator: ", ")).")
        guard apply else {
            say("Nothing was changed. Add --apply to do it.")
            return false
        }
        let copy = Self.copyPath(of: data)
        try repair.apply(plan, copyTo: copy)
        say("Done. The files as they were are in \(copy).")
        return true
    }

    // MARK: What is asked for

    private func wish(_ check: FolderCheck) throws -> RepairWish {
        if let truncateAt { return try truncation(at: truncateAt, check) }
        if let dropSegment { return .dropSegment(dropSegment) }
        if let rebuildHeader { return .rebuildHeader(rebuildHeader) }
        if let startAtSnapshot { return .startAtSnapshot(startAtSnapshot, reach: try reach(startAtSnapshot, check)) }
        guard let dropSnapshot else { return .rebuildManifest }
        guard Remedies(check: check).startLeft(withoutSnapshot: dropSnapshot) != nil else {
            throw LogRefusal(
                "without the snapshot at \(dropSnapshot) nothing is left to start from: the log begins with record "
                    + "\(check.firstPosition ?? 0). Restore a backup (holdfast restore --data BACKUP --to NEWDIR)"
            )
        }
        return .dropSnapshot(dropSnapshot)
    }

    private func truncation(at position: UInt64, _ check: FolderCheck) throws -> RepairWish {
        let remedies = Remedies(check: check)
        guard let earliest = remedies.earliestCut else {
            throw LogRefusal(
                "nothing in the folder leads to a state to cut behind: there is no whole snapshot that the log "
                    + "continues. Restore a backup (holdfast restore --data BACKUP --to NEWDIR)"
            )
        }
        guard position >= earliest else {
            throw LogRefusal(
                "the earliest position to cut at is \(earliest): the oldest snapshot holds records up to there, and "
                    + "what led to it is no longer in the log. An older backup may have it"
            )
        }
        guard position <= remedies.latestCut else {
            throw LogRefusal(
                "the latest position to cut at is \(remedies.latestCut): the log is damaged behind it, or ends there"
            )
        }
        return .truncate(at: position, keepingSnapshots: remedies.snapshotsKept(cuttingAt: position))
    }

    private func reach(_ position: UInt64, _ check: FolderCheck) throws -> UInt64 {
        guard let snapshot = check.snapshots.first(where: { $0.position == position }) else {
            let whole = check.snapshots.map { "\($0.position)" }.joined(separator: ", ")
            throw LogRefusal("there is no whole snapshot at \(position); there are \(whole.isEmpty ? "none" : whole)")
        }
        return snapshot.reach
    }

    // MARK: What comes of it

    private func consequences(
        of wish: RepairWish,
        _ examination: LogExamination,
        _ check: FolderCheck
    ) throws -> [String] {
        switch wish {
        case .truncate(let position, let kept):
            var loss = Loss(behind: position, in: check)
            try examination.readLog { place, payload in loss.add(payload, at: place) }
            let gone = examination.snapshots.filter { !kept.contains($0) }.map { "\($0)" }
            let snapshots = gone.isEmpty ? [] : ["Snapshots that go with them: at \(gone.joined(separator: ", "))."]
            return ["Cuts the log behind position \(position)."] + loss.lines + unreadableEnd(0, check) + snapshots
        case .startAtSnapshot(let position, _):
            let end = unreadableEnd(position, check)
            return [
                "Gives up the log before the snapshot at \(position), which holds the same, and older snapshots."
            ] + (end.isEmpty ? ["No change is lost."] : end) + [
                "Earlier states can no longer be restored from this folder."
            ]
        case .dropSnapshot(let position):
            let start = Remedies(check: check).startLeft(withoutSnapshot: position) ?? 0
            let from = start == 0 ? "the log's first record" : "the snapshot at \(start)"
            return ["No record is lost. A start then begins with \(from)."]
        case .dropSegment(let number) where !Remedies(check: check).isLossless(droppingSegment: number):
            return ["Gives up what stood in segment \(number), which can't be read."]
        case .dropSegment, .rebuildHeader, .rebuildManifest: return ["No record is lost."]
        }
    }

    /// What goes without anyone knowing how much it is; nothing when the log's end is whole.
    private func unreadableEnd(_ snapshot: UInt64, _ check: FolderCheck) -> [String] {
        guard check.endsInDamage else { return [] }
        let left = Remedies(check: check).lastLeft(startingAt: snapshot)
        return ["Gives up what stood behind record \(left), which can't be read."]
    }

    /// Beside the folder, on the same filesystem where that is not a mount of its own.
    private static func copyPath(of folder: String) -> String {
        let now = Milliseconds(Glibc.time(nil)) * 1_000
        let time = FolderReport.text(of: now).prefix(19).filter { $0 != "-" && $0 != ":" }
        var path = Substring(folder)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return "\(path).before-repair-\(time)"
    }
}
