import ArgumentParser
import Engine
import Postgres
import WAL

/// `holdfast restore --from-postgres`: a data folder as of the books, with the tail of a log that is left on top.
struct RestoreFromBooks {
    let url: String
    let folder: String
    /// What is left of the old data folder; nil where nothing is.
    let log: String?
    let isDryRun: Bool

    /// - Returns: what to tell the operator.
    func run(on device: any LogDevice) throws -> [String] {
        do {
            return try restore(on: device)
        } catch let error as PostgresError {
            throw LogRefusal("\(error)")
        } catch let error as RecoveryError {
            throw LogRefusal("the books don't lead to a state: \(error)")
        }
    }

    private func restore(on device: any LogDevice) throws -> [String] {
        let target = isDryRun ? nil : try NewFolder(at: folder, device: device)
        var found = try BooksRestore.read(url: url)
        var lines = ["books         position \(found.booksPosition) of log \(found.log)"]
        if let log {
            let count = try found.goOn(with: LogExamination(folder: log, device: device))
            lines.append("log           \(count) records of \(log) on top")
        }
        lines.append("restores      position \(found.position)")
        guard let target else { return lines + ["digest        \(found.replay.digestText)", "Nothing was written."] }
        let identity = try found.write(to: target, on: device)
        let result = try FolderCheck(LogExamination(folder: target.partialPath, device: device), device: device)
        guard result.isSound, result.newest.replay.isSameState(as: found.replay) else {
            throw LogRefusal(
                "the restored folder is not what it should be (digest \(found.replay.digestText)); it is left in "
                    + "\(target.partialPath):\n" + FolderReport(result).text
            )
        }
        try BooksRestore.handOver(url: url, from: found, to: identity)
        try target.complete()
        return lines + ["to            \(folder)"] + OperatorCommand.summary(of: result)
    }
}
