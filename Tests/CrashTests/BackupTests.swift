import Foundation
import Glibc
import Testing

/// Backups of a server that sells meanwhile, takes snapshots and uses the log's files again.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BackupTests {
    private let seed = Environment.number("HOLDFAST_SEED") ?? UInt64.random(in: 1...999_999)
    private static let backupCount = 4

    @Test func backupsOfARunningServerAreWhole() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 1, segmentMebibytes: 2)
        let port = try server.port()
        try Venue.open(port)
        var ledger = Ledger()
        var segments: Set<String> = []
        for round in 0..<Self.backupCount {
            // What has been answered by now must be in the backup.
            ledger.add(try load(port, round * 2, ledger).finish(afterMicroseconds: 400_000))
            try ledger.settle(port)
            let name = folder.path + "/backup-\(round)"
            let meanwhile = try load(port, round * 2 + 1, ledger)
            usleep(UInt32.random(in: 0...300_000))
            _ = try run(["backup", "--data", folder.data, "--to", name], in: folder)
            let made = meanwhile.finish(afterMicroseconds: 0)
            segments.formUnion(folder.names.filter { $0.hasPrefix("wal-") })
            try check(name, ledger)
            ledger.add(made)
            try ledger.settle(port)
        }
        server.kill()
        #expect(segments.count > 2, "the log did not turn over: \(segments.sorted())")
        try compareWithTheLog(folder, ledger)
    }

    /// A server that takes no snapshot keeps the log that led to a backup: it gives the same state at that position.
    private func compareWithTheLog(_ folder: DataFolder, _ ledger: Ledger) throws {
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600, segmentMebibytes: 2)
        let load = try load(server.port(), 1_000, ledger)
        usleep(300_000)
        let said = try run(["backup", "--data", folder.data, "--to", folder.path + "/backup"], in: folder)
        _ = load.finish(afterMicroseconds: 100_000)
        server.kill()
        let position = String(try field("position", of: said).prefix { $0 != "," })
        let replayed = try run(["restore", "--data", folder.data, "--dry-run", "--until", position], in: folder)
        #expect(try field("digest", of: replayed) == field("digest", of: said), "HOLDFAST_SEED=\(seed)")
    }

    @Test func foldersInUseAndTargetsInUseAreRefused() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, snapshotSeconds: 3600)
        try Venue.open(server.port())
        for command in [["verify"], ["repair", "--rebuild-manifest"], ["restore", "--dry-run"], ["inspect"]] {
            let (exitCode, output) = try ServerProcess.run(command + ["--data", folder.data], in: folder)
            #expect(exitCode == 2 && output.contains("uses \(folder.data)"), "\(command): \(output)")
        }
        let backup = ["backup", "--data", folder.data, "--to"]
        let intoItself = try ServerProcess.run(backup + [folder.data], in: folder)
        #expect(intoItself.exitCode == 1 && intoItself.output.contains("is not empty"), "\(intoItself)")
        let nothing = try ServerProcess.run(["verify", "--data", folder.path + "/nothing"], in: folder)
        #expect(nothing.exitCode == 2, "\(nothing)")
        let wrong = try ServerProcess.run(["repair", "--data", folder.data], in: folder)
        #expect(wrong.exitCode == 64, "\(wrong)")
    }

    private func load(_ port: UInt16, _ round: Int, _ ledger: Ledger) throws -> Load {
        var settings = Load.Settings(port: port, seed: seed &* 1_000 &+ UInt64(round) &* 16, name: "\(seed)-\(round)")
        settings.scarce = round
        settings.firstRevision = ledger.nextRevision
        return Load(settings)
    }

    /// A server on a copy of the backup knows every sale that was answered before.
    private func check(_ backup: String, _ ledger: Ledger) throws {
        let copy = try DataFolder()
        _ = try run(["restore", "--data", backup, "--to", copy.data], in: copy)
        let server = try ServerProcess.launch(in: copy, snapshotSeconds: 3600, segmentMebibytes: 2)
        let found = ledger.contradictions(ledger.purchases, try server.port(), retries: true)
        #expect(found.isEmpty, "HOLDFAST_SEED=\(seed): \(found.count), first \(found.prefix(3))")
    }

    private func run(_ arguments: [String], in folder: DataFolder) throws -> String {
        let (exitCode, output) = try ServerProcess.run(arguments, in: folder)
        try #require(exitCode == 0, "HOLDFAST_SEED=\(seed): \(arguments): \(output)")
        return output
    }

    private func field(_ name: String, of output: String) throws -> String {
        let match = output.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        let line = try #require(match, "\(output)")
        return line.dropFirst(name.count).trimmingCharacters(in: .whitespaces)
    }
}

extension Load {
    fileprivate func finish(afterMicroseconds pause: UInt32) -> Made {
        usleep(pause)
        return finish()
    }
}
