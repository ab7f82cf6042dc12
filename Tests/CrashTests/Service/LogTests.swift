import Foundation
import Glibc
import Testing

/// What the real program prints in the course of a whole sale, errors among it.
@Suite(.serialized) struct LogTests {
    private static let mark = "R3c0gn1sable"
    private static let secret = "shared-\(mark)-secret-of-more-than-32-bytes"

    private let folder: DataFolder
    private let keys: String

    init() throws {
        folder = try DataFolder()
        keys = folder.path + "/keys"
        try Self.secret.write(toFile: keys, atomically: true, encoding: .utf8)
    }

    private func launch(_ options: [String]) throws -> ServerProcess {
        try ServerProcess.launch(in: folder, ["--data", folder.data, "--token-keys", keys] + options)
    }

    private func token(_ role: String, _ subject: String) throws -> String {
        let made = try ServerProcess.run(["token", "--keys", keys, "--role", role, "--subject", subject], in: folder)
        try #require(made.exitCode == 0, "\(made)")
        return made.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What must be nowhere in the output: the token's signature, a customer's name, a code.
    private func check(_ output: String, has secrets: [String], _ place: String) {
        for secret in secrets + [Self.mark, "rsv_", "tkt_", "ord_", "eyJ"] {
            #expect(!secret.isEmpty && !output.contains(secret), "\(place) says \(secret): \(output)")
        }
    }

    @Test func nothingSecretOrPersonalIsEverInTheLog() throws {
        let server = try launch(["--log-level", "trace", "--log-format", "json", "--log-requests", "all"])
        let sale = try RawSale(port: server.port(), mark: Self.mark)
        sale.organizer = try token("organizer", "boss-\(Self.mark)")
        sale.customer = try token("customer", "ada-\(Self.mark)")
        sale.friend = try token("customer", "ben-\(Self.mark)")
        sale.scanner = try token("scanner", "gate-\(Self.mark)")
        try sale.run()
        try sale.makeMistakes()
        // Keys that can't be read again, with a secret in each kind of file.
        for content in ["short-\(Self.mark)", #"{"keys":[{"kty":"oct","k":"\#(Self.mark)"}]}"#, "{\"\(Self.mark)\":"] {
            try content.write(toFile: keys, atomically: false, encoding: .utf8)
            // Two looks have to find the file the same.
            usleep(2_300_000)
        }
        try Self.secret.write(toFile: keys, atomically: false, encoding: .utf8)
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 20) == 0)
        let output = server.output
        check(output, has: sale.codes, "the log")
        #expect(sale.codes.count >= 2)

        var statuses: Set<Int> = []
        for line in output.split(separator: "\n") {
            let parsed = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            let object = try #require(parsed, "not a line of JSON: \(line)")
            #expect(object["ts"] is String && object["level"] is String && object["message"] is String, "\(line)")
            let metadata = try #require(object["metadata"] as? [String: Any], "\(line)")
            if let status = metadata["status"] as? Int {
                statuses.insert(status)
                #expect((metadata["request_id"] as? String)?.isEmpty == false, "\(line)")
            }
        }
        // The log was there to be searched.
        #expect(statuses.isSuperset(of: [200, 201, 400, 401, 403, 404, 413, 422]), "\(statuses)")
        #expect(
            output.contains("keys of tokens could not be read again") && output.contains(#""code":"TOKEN_INVALID""#)
        )
    }

    @Test func badKeyFilesAreNotQuoted() throws {
        for content in [
            "short-\(Self.mark)", #"{"keys":[{"kty":"RSA","n":"\#(Self.mark)","e":"\#(Self.mark)"}]}"#,
            "{\"\(Self.mark)\":[", "-----BEGIN PRIVATE KEY-----\n\(Self.mark)\n-----END PRIVATE KEY-----\n",
        ] {
            try content.write(toFile: keys, atomically: true, encoding: .utf8)
            let serve = try ServerProcess.run(
                ["serve", "--data", folder.data, "--token-keys", keys, "--port", "0"],
                in: folder
            )
            #expect(serve.exitCode == 78, "\(serve)")
            check(serve.output, has: [], "serve")
            let checked = try ServerProcess.run(
                ["serve", "--check", "--data", folder.data, "--token-keys", keys, "--port", "0"],
                in: folder
            )
            #expect(checked.exitCode == 78, "\(checked)")
            check(checked.output, has: [], "serve --check")
        }
    }

    @Test func requestsAreLoggedOnlyAsFarAsAskedFor() throws {
        var counts: [String: Int] = [:]
        for requests in ["none", "errors", "all"] {
            let server = try ServerProcess.launch(in: folder, ["--data", folder.data, "--log-requests", requests])
            let connection = try Connection(port: server.port())
            #expect(try connection.get("/health").status == 200)
            #expect(try connection.get("/nowhere").status == 404)
            server.send(SIGTERM)
            #expect(try server.exitCode(withinSeconds: 20) == 0)
            counts[requests] = server.output.split(separator: "\n").count { $0.contains("request answered") }
        }
        #expect(counts == ["none": 0, "errors": 1, "all": 2])
    }

    @Test func linesForRequestsAreBoundedAndTheRestIsCounted() throws {
        let server = try ServerProcess.launch(
            in: folder,
            ["--data", folder.data, "--log-requests", "all", "--logged-requests-per-second", "10"]
        )
        let connection = try Connection(port: server.port())
        for _ in 0..<200 { #expect(try connection.get("/health").status == 200) }
        usleep(1_500_000)
        let lines = server.output.split(separator: "\n")
        let answered = lines.count { $0.contains("request answered") }
        let leftOut = server.output.matches(of: /left out of the log left_out=([0-9]+)/).compactMap { Int($0.1) }
        #expect(answered >= 5 && answered < 100 && answered + leftOut.reduce(0, +) == 200, "\(server.output)")
    }

    /// Nobody reads what the server says, and then even its pipe is gone.
    @Test func whoDoesNotReadTheLogDoesNotStopTheSale() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        // The server gets its end as its output, and no other copy of either.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let server = try ServerProcess.launch(
            in: folder,
            ["--data", folder.data, "--log-requests", "all", "--logged-requests-per-second", "1000000"],
            output: ends[1]
        )
        close(ends[1])
        var said: [UInt8] = []
        var port: UInt16?
        while port == nil {
            var chunk = [UInt8](repeating: 0, count: 4_096)
            let count = read(ends[0], &chunk, chunk.count)
            try #require(count > 0)
            said += chunk[..<count]
            port = String(decoding: said, as: UTF8.self)
                .firstMatch(of: /listening at http:[^\n]*:([0-9]+)\n/).flatMap { UInt16($0.1) }
        }
        // Several times what a pipe and the waiting lines take.
        let connection = try Connection(port: port!)
        for _ in 0..<8_000 { #expect(try connection.get("/health").status == 200) }
        close(ends[0])
        for _ in 0..<100 { #expect(try connection.get("/health").status == 200) }
        server.send(SIGTERM)
        #expect(try server.exitCode(withinSeconds: 20) == 0)
    }
}
