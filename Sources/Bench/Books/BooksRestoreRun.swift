/// `restore --from-postgres` of what a server has left, and whether it leads to the state that the server had.
struct BooksRestoreRun {
    let postgres: PostgresProcess
    let target: TargetOptions
    /// In which the new data folder is made.
    let folder: String
    /// The server's own data folder.
    let data: String

    func run(_ report: inout BenchReport, reservations: Int) throws {
        let restored = try runProgram([
            "restore", "--from-postgres", postgres.url, "--data", folder + "/restored",
        ])
        guard restored.status == 0 else {
            report.faults.append("the restore ended with status \(restored.status): \(restored.text)")
            return
        }
        report.add("reservations restored", Double(reservations), "")
        report.add("restored in", restored.seconds, "s")
        report.add("restored", Double(reservations) / restored.seconds, "reservations/s")
        let kept = try runProgram(["verify", "--data", data])
        let digests = [restored, kept].map { Self.digest(in: $0.text) }
        if digests[0] == nil || digests[0] != digests[1] {
            report.faults.append(
                "the restored state has digest \(digests[0] ?? "none"), and the server left \(digests[1] ?? "none")"
            )
        }
    }

    /// Where the server was.
    private func runProgram(_ arguments: [String]) throws -> SpawnedProcess.Outcome {
        try SpawnedProcess.run([target.serverBinary!] + arguments, core: target.serverCpu, ownCore: target.clientCpu)
    }

    static func digest(in text: String) -> String? {
        let line = text.split(separator: "\n").last { $0.hasPrefix("digest") }
        return line?.split(separator: " ").last.map(String.init)
    }
}
