import ArgumentParser
import Engine
import Glibc
import WAL

/// `holdfast verify`: reads everything in a data folder and says what is wrong, what follows from it, what to do.
struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a data folder from end to end, and say what to do about what is wrong.",
        discussion: """
            Reads every file, goes on behind damage, replays log and snapshots, and checks every rule of the sale. \
            Changes nothing. No server may be using the folder; to check the data of a running one, verify a backup.

            Exit status: 0 the folder is sound, 1 it is damaged, 2 it can't be read (no such folder, no permission, a \
            server uses it), 64 wrong usage.
            """
    )

    @Option(help: ArgumentHelp("The data folder; no server may be using it.", valueName: "folder"))
    var data: String

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    func run() throws {
        let report = try FolderReport.of(data)
        print(json ? report.json : report.text)
        if !report.isSound { throw ExitCode(1) }
    }
}

extension FolderReport {
    /// - Throws: an exit with status 2 when the folder can't be read.
    static func of(_ folder: String) throws -> FolderReport {
        try OperatorCommand.run(on: folder) { device in
            let examination = try LogExamination(folder: folder, device: device)
            return FolderReport(try FolderCheck(examination, device: device))
        }
    }
}

/// What the operators' commands have in common.
enum OperatorCommand {
    /// Runs `body`, and turns what can go wrong into a message and an exit status.
    static func run<R>(on folder: String, _ body: (any LogDevice) throws -> R) throws -> R {
        do {
            return try body(SynchronousDevice())
        } catch let error as LogRefusal {
            complain("\(error)")
            throw ExitCode(1)
        } catch LogError.locked {
            complain(
                "a server or another command uses \(folder): stop it first, or work on a backup of it "
                    + "(holdfast backup --data \(folder.shellQuoted) --to DIR; the server may go on meanwhile)"
            )
            throw ExitCode(2)
        } catch let error as LogError {
            complain("\(error)")
            throw ExitCode(2)
        }
    }

    static func complain(_ text: String) {
        var line = "Error: \(text)\n"
        line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
