import ArgumentParser
import Engine
import WAL

/// `holdfast restore`: a new data folder from a backup, as of its end or an earlier position or time.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a data folder from a backup, as of its end or of an earlier moment.",
        discussion: """
            With a time, everything up to the last change decided at that time or before it is kept, in the order of \
            the log. The result is verified before it gets its name, and has the state that replaying the backup up \
            to that position gives. --dry-run only says which state that is.

            Any data folder that no server uses may stand in for a backup.

            With --from-postgres the folder --data is made from the books instead, as of where they are, and with the             records of --log behind that, where something of the old data folder is left. The books belong to the new             folder then: a server with the old one can't write them any more.

            Exit status: 0 done, 1 not possible (the backup doesn't reach back so far, it is damaged, the target is not \
            empty, no room), 2 a folder can't be read or written, 64 wrong usage.
            """
    )

    @Option(
        help: ArgumentHelp(
            "The backup, or any data folder that no server uses; with --from-postgres the folder to make.",
            valueName: "folder"
        )
    )
    var data: String

    @Option(help: ArgumentHelp("Make the folder from the books in this Postgres database.", valueName: "url"))
    var fromPostgres: String?

    @Option(
        help: ArgumentHelp("With --from-postgres: the old data folder, or what is left of it.", valueName: "folder")
    )
    var log: String?

    @Option(help: ArgumentHelp("The folder to make; it must not be there yet, or be empty.", valueName: "folder"))
    var to: String?

    @Option(
        help: ArgumentHelp(
            "The last position to keep, or a time like 2026-11-21T20:15:00Z. Default: everything.",
            valueName: "moment"
        )
    )
    var until: String?

    @Flag(help: "Only say what would be restored.")
    var dryRun = false

    /// Where to stop.
    enum Moment: Equatable {
        case end
        case position(UInt64)
        case time(Milliseconds)

        /// nil for anything else than a position or a time.
        init?(_ text: String?) {
            guard let text else {
                self = .end
                return
            }
            if let position = UInt64(text) {
                self = .position(position)
                return
            }
            var copy = text
            guard let time = copy.withUTF8({ Timestamp.parse(UnsafeRawBufferPointer($0)) }) else { return nil }
            self = .time(time)
        }
    }

    func validate() throws {
        guard Moment(until) != nil else {
            throw ValidationError(
                "--until is a position, like 48211, or a time with its zone, like 2026-11-21T20:15:00Z."
            )
        }
        if fromPostgres != nil {
            guard to == nil, until == nil else {
                throw ValidationError(
                    "With --from-postgres, --data is the folder to make; --to and --until are not for it."
                )
            }
            return
        }
        guard log == nil else { throw ValidationError("--log is for --from-postgres.") }
        guard to != nil || dryRun else { throw ValidationError("Give the folder to make with --to, or --dry-run.") }
    }

    func run() throws {
        try OperatorCommand.run(on: data) { device in
            let books = fromPostgres.map { RestoreFromBooks(url: $0, folder: data, log: log, isDryRun: dryRun) }
            for line in try books?.run(on: device) ?? restore(on: device) { print(line) }
        }
    }

    /// - Returns: what to tell the operator.
    func restore(on device: any LogDevice) throws -> [String] {
        let examination = try LogExamination(folder: data, device: device)
        let check = try FolderCheck(examination, device: nil)
        let history = try History(of: check, in: examination)
        let position = try history.position(at: Moment(until) ?? .end)
        let kept = history.remedies.snapshotsKept(cuttingAt: position)
        let expected = try history.state(at: position)
        let lines = ["restores      \(data) as of position \(position)"]
        guard !dryRun, let to else {
            return lines + ["digest        \(expected.digestText)", "Nothing was written."]
        }
        let target = try NewFolder(at: to, device: device)
        try LogRestore.run(from: examination, at: position, keepingSnapshots: kept, to: target)
        target.release()
        let result = try FolderCheck(
            LogExamination(folder: target.partialPath, device: device),
            device: device
        )
        guard result.isSound, result.newest.replay.isSameState(as: expected) else {
            throw LogRefusal(
                "the restored folder is not what it should be (digest \(expected.digestText)); it is left in "
                    + "\(target.partialPath):\n" + FolderReport(result).text
            )
        }
        try target.complete()
        return lines + ["to            \(to)"] + OperatorCommand.summary(of: result)
    }
}

/// The positions that a folder can be taken back to, and their times.
private struct History {
    let remedies: Remedies
    private let check: FolderCheck
    private let examination: LogExamination
    private let earliest: UInt64

    /// - Throws: `LogRefusal` when nothing in the folder leads to a state.
    init(of check: FolderCheck, in examination: LogExamination) throws {
        self.check = check
        self.examination = examination
        remedies = Remedies(check: check)
        guard let earliest = remedies.earliestCut, earliest <= remedies.latestCut else {
            throw LogRefusal(
                "nothing in \(check.folder) leads to a state: there is no whole snapshot that the log continues. "
                    + "`holdfast verify --data \(check.folder.shellQuoted)` says what is damaged"
            )
        }
        self.earliest = earliest
    }

    /// The position of a moment, when it can be had.
    func position(at moment: Restore.Moment) throws -> UInt64 {
        switch moment {
        case .end:
            // With less than everything only on request.
            guard remedies.latestCut >= (check.runs.last?.last ?? 0), !check.endsInDamage else {
                throw LogRefusal(
                    "\(check.folder) is damaged behind position \(remedies.latestCut): give --until "
                        + "\(remedies.latestCut) to restore what is before it"
                )
            }
            return remedies.latestCut
        case .position(let position):
            guard position >= earliest else { throw try tooEarly("position \(position)") }
            guard position <= remedies.latestCut else {
                throw LogRefusal("the latest position that can be restored is \(remedies.latestCut), not \(position)")
            }
            return position
        case .time(let time):
            var found: UInt64?
            try visit { position, at in if at <= time { found = position } }
            guard let found, found >= earliest else { throw try tooEarly(FolderReport.text(of: time)) }
            return found
        }
    }

    private func tooEarly(_ wanted: String) throws -> LogRefusal {
        var time: Milliseconds?
        try visit { position, at in if time == nil, position >= max(1, earliest) { time = at } }
        let since = time.map { ", from \(FolderReport.text(of: $0)) on" } ?? ""
        return LogRefusal(
            "\(wanted) is before what this folder reaches back to: the earliest position that can be restored is "
                + "\(earliest)\(since). An older backup may have it"
        )
    }

    /// Position and time of every record that can be restored up to.
    private func visit(_ body: (UInt64, Milliseconds) -> Void) throws {
        let latest = remedies.latestCut
        try examination.readLog { place, payload in
            guard place.run == 0, place.position <= latest, let record = try? EventRecord(payload) else { return }
            body(place.position, record.at)
        }
    }

    /// The state that the newest usable snapshot and the log lead to.
    func state(at position: UInt64) throws -> CheckedReplay {
        let kept = remedies.snapshotsKept(cuttingAt: position)
        let start = check.snapshots.first { kept.contains($0.position) } ?? .init(position: 0, reach: 0)
        var replay = CheckedReplay()
        if start.position > 0 { _ = try examination.readSnapshot(at: start.position) { try replay.restore($0) } }
        var track = FolderCheck.Track(start, replay)
        try examination.readLog { place, payload in
            if place.position <= position { _ = try track.take(payload, at: place) }
        }
        guard track.last == position else {
            throw LogRefusal("the log can be read up to record \(track.last) only, not \(position)")
        }
        return track.replay
    }
}
