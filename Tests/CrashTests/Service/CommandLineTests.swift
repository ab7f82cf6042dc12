import Foundation
import Glibc
import Testing

/// The program's command line as somebody meets it for the first time.
@Suite(.serialized) struct CommandLineTests {
    private static let commands = ["serve", "verify", "inspect", "repair", "backup", "restore", "token"]

    @Test func everyCommandHasHelp() throws {
        let folder = try DataFolder()
        let whole = try ServerProcess.run(["--help"], in: folder)
        #expect(whole.exitCode == 0)
        for command in Self.commands {
            #expect(whole.output.contains("\n  \(command) "), "\(whole.output)")
            let help = try ServerProcess.run([command, "--help"], in: folder)
            #expect(help.exitCode == 0 && help.output.contains("USAGE: holdfast \(command)"), "\(help)")
            let lines = help.output.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where line.hasPrefix("  --") {
                // What it is for stands beside it or, behind a long name, in the next line; in the 27th column.
                let isBeside = line.count > 26 && line.dropFirst(24).first == " " && line.dropFirst(26).first != " "
                let isBelow = lines[index + 1].hasPrefix(String(repeating: " ", count: 26))
                #expect(isBeside || isBelow, "\(command): \(line)")
            }
        }
    }

    @Test func theCompletionScriptIsOne() throws {
        let folder = try DataFolder()
        let script = try ServerProcess.run(["--generate-completion-script", "bash"], in: folder)
        #expect(script.exitCode == 0 && script.output.contains("snapshot-seconds"))
        let path = folder.path + "/completion"
        try script.output.write(toFile: path, atomically: true, encoding: .utf8)
        let bash = try Process.run(URL(fileURLWithPath: "/bin/bash"), arguments: ["-n", path])
        bash.waitUntilExit()
        #expect(bash.terminationStatus == 0)
        for shell in ["zsh", "fish"] {
            let other = try ServerProcess.run(["--generate-completion-script", shell], in: folder)
            #expect(other.exitCode == 0 && !other.output.isEmpty, "\(shell)")
        }
    }

    @Test func aCheckChangesNothingAndSaysWhatAStartWouldUse() throws {
        let folder = try DataFolder()
        let check = ["serve", "--check", "--data", folder.data]
        let environment = ["HOLDFAST_PORT=0", "HOLDFAST_SHARDS=2"]
        let fine = try ServerProcess.run(check, in: folder, environment: environment)
        #expect(fine.exitCode == 0 && fine.output.contains("all is well"), "\(fine)")
        #expect(fine.output.contains("(HOLDFAST_SHARDS)") && fine.output.contains("io_uring can be used"), "\(fine)")
        #expect(!FileManager.default.fileExists(atPath: folder.data))

        for (arguments, variable, message) in [
            (["--port", "65536"], "A=B", "--port is 65536"), ([], "HOLDFAST_PROT=1", "did you mean HOLDFAST_PORT"),
            (["--token-keys", "/nonexistent"], "A=B", "FAILED  keys of tokens"),
        ] {
            let refused = try ServerProcess.run(check + arguments, in: folder, environment: [variable])
            #expect(refused.exitCode == 78 && refused.output.contains(message), "\(refused)")
        }
    }

    @Test func aCheckBesideARunningServerFindsFolderAndPortTaken() throws {
        let folder = try DataFolder()
        let server = try ServerProcess.launch(in: folder, ["--data", folder.data])
        let port = try server.port()
        let check = try ServerProcess.run(["serve", "--check", "--data", folder.data, "--port", "\(port)"], in: folder)
        #expect(check.exitCode == 69, "\(check)")
        #expect(check.output.contains("FAILED  data folder: a server or another command uses"), "\(check)")
        #expect(check.output.contains("FAILED  port: can't listen at 127.0.0.1:\(port)"), "\(check)")
        #expect(try Connection(port: port).get("/health").status == 200)
    }
}
