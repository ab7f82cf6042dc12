import ArgumentParser
import Engine
import WAL

/// `holdfast backup`: copies a data folder, also that of a running server, as of one position.
struct Backup: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy a data folder to another one while its server goes on selling.",
        discussion: """
            Everything that was answered before the backup began is in it, and nothing by halves. The copy is checked \
            like `holdfast verify` does before it gets its name; `holdfast restore` makes a folder to serve from it, \
            as of its end or any earlier position that it reaches back to.

            A server may also be started on the copy itself. Never let the original and a copy both go on selling: \
            each would sell the same places again.

            Exit status: 0 the backup is complete, 1 it is not (the folder is damaged, the target is not empty, no \
            room), 2 a folder can't be read or written, 64 wrong usage.
            """
    )

    @Option(help: ArgumentHelp("The data folder; its server may be running.", valueName: "folder"))
    var data: String

    @Option(help: ArgumentHelp("The folder to make; it must not be there yet, or be empty.", valueName: "folder"))
    var to: String

    func run() throws {
        try OperatorCommand.run(on: data) { device in
            for line in try backup(on: device) { print(line) }
        }
    }

    /// - Returns: what to tell the operator.
    func backup(on device: any LogDevice) throws -> [String] {
        let target = try NewFolder(at: to, device: device)
        let result = try LogBackup(from: data, to: target.partialPath, device: device).run()
        target.release()
        let check = try FolderCheck(
            LogExamination(folder: target.partialPath, device: device),
            device: device
        )
        guard check.isSound else {
            throw LogRefusal(
                "the copy is not sound, so \(data) is not either; it is left in \(target.partialPath):\n"
                    + FolderReport(check).text
            )
        }
        try target.complete()
        let retries = result.retries > 0 ? ", begun again \(result.retries) times" : ""
        return ["backup        \(to), \(result.byteCount) bytes in \(result.segmentCount) segments\(retries)"]
            + OperatorCommand.summary(of: check)
    }
}

extension OperatorCommand {
    /// What a copied folder holds.
    static func summary(of check: FolderCheck) -> [String] {
        let stock = StockSummary(of: check.newest.replay)
        let snapshots = check.snapshots.map { "\($0.position)" }.joined(separator: ", ")
        let earliest = Remedies(check: check).earliestCut ?? check.newest.last
        return [
            "position      \(check.newest.last)"
                + (check.newest.replay.lastRecordAt.map { ", decided at \(FolderReport.text(of: $0))" } ?? ""),
            "snapshots     \(snapshots.isEmpty ? "none" : "at position \(snapshots)")",
            "restorable    from position \(earliest) to \(check.newest.last)",
            "events        \(stock.events), reservations in memory \(stock.holds)",
            "places        total \(stock.total), reserved \(stock.reserved), sold \(stock.sold), buffer \(stock.buffer)",
            "digest        \(check.newest.replay.digestText)",
        ]
    }
}
