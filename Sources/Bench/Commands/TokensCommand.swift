import ArgumentParser
import Auth
import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `holdfast-bench tokens`: what it costs the sale that every caller has a token, and that requests are counted.
struct TokensCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokens",
        abstract: "Reserve with and without tokens and rate limits, in turns.",
        discussion: """
            Starts four servers on one core, of which one is loaded at a time: one that believes everybody, one that asks for \
            tokens of a shared secret (HS256), one for tokens of a key on P-256 (ES256), and one for the first with rate limits \
            as well, which nobody reaches. Ratios are those of the medians.
            """
    )

    /// The least share of the rate without tokens that is left with them.
    static let shareMin = 0.95

    @OptionGroup var target: TargetOptions
    @OptionGroup var output: ReportOptions

    @Option(name: .shortAndLong, help: "Keep-alive connections, 1 to \(LoadSettings.connectionsMax).")
    var connections = 64

    @Option(name: .shortAndLong, help: "Seconds to measure in each turn, after the warm-up.")
    var duration = 2.0

    @Option(help: "Seconds of load before measuring, in each turn.")
    var warmup = 0.5

    @Option(help: "Turns of each side.")
    var rounds = 5

    @Option(help: "Seed of the buyers' choices.")
    var seed: UInt64 = 1

    func validate() throws {
        guard target.serverBinary != nil, target.data == nil else {
            throw ValidationError("The servers are started here, on new folders: give --server-binary, and no --data.")
        }
        guard target.port <= .max - 3 else { throw ValidationError("--port leaves no room for four servers.") }
        guard 1...LoadSettings.connectionsMax ~= connections else {
            throw ValidationError("--connections is between 1 and \(LoadSettings.connectionsMax).")
        }
        guard 0.1...3_600 ~= duration, 0...3_600 ~= warmup else {
            throw ValidationError("--duration is between 0.1 and 3,600 s, --warmup between 0 and 3,600 s.")
        }
        guard 1...100 ~= rounds else { throw ValidationError("--rounds is between 1 and 100.") }
    }

    func run() async throws {
        let folder = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        let secret = try await IssuedToken(secretIn: folder)
        let pair = try await IssuedToken(keyPairIn: folder)
        let sides = [
            Side(name: "no tokens"),
            Side(name: "HS256", token: secret),
            Side(name: "ES256", token: pair),
            Side(
                name: "HS256 and limits",
                token: secret,
                arguments: [
                    "--sale-requests-per-second", "1000000", "--address-sale-requests-per-second", "1000000",
                ]
            ),
        ]
        try output.finish(start(sides[...], []))
    }

    /// A server as it is asked.
    private struct Side {
        let name: String
        var token: IssuedToken?
        var arguments: [String] = []
    }

    /// Starts a server for each side, then measures.
    private func start(
        _ sides: ArraySlice<Side>,
        _ started: [(name: String, server: ServerUnderTest)]
    ) throws -> BenchReport {
        guard let side = sides.first else { return try measure(started) }
        var one = target
        one.port += UInt16(started.count)
        one.serverArguments += side.arguments
        if let token = side.token { one.serverArguments += ["--token-keys", token.keyFile] }
        return try one.withServer { server in
            let asked = side.token.map { server.asked(with: $0.text) } ?? server
            return try start(sides.dropFirst(), started + [(side.name, asked)])
        }
    }

    /// One side's sale and what has been measured of it.
    private struct Course {
        let name: String
        let sale: Sale
        var session: LoadSession<SaleScenario>
        var rates: [Double] = []
        var cpuMicroseconds: [Double] = []
    }

    private func measure(_ servers: [(name: String, server: ServerUnderTest)]) throws -> BenchReport {
        let plan = LoadPlan(connections: connections, warmupSeconds: warmup, durationSeconds: duration)
        var courses = try servers.map { name, server in
            try server.checkRoom(forConnections: connections)
            let sale = try Sale(stockPerSection: SaleOptions.stockMax, endpoint: server.endpoint)
            let session = LoadSession(sale.scenario(.all(.abandon), seed: seed), plan, server)
            return Course(name: name, sale: sale, session: session)
        }
        for round in 1...rounds {
            // Each round begins with another side, so that none always has the same one before it.
            for index in courses.indices.map({ ($0 + round) % courses.count }) where !StopSignal.wasReceived {
                let result = try courses[index].session.run("\(courses[index].name), round \(round)", .closed)
                courses[index].rates.append(result.succeededPerSecond)
                if let used = courses[index].session.phases.last?.server?.cpuMicrosecondsPerAnswer {
                    courses[index].cpuMicroseconds.append(used)
                }
            }
        }
        return try report(courses, servers[0].server)
    }

    private func report(_ courses: [Course], _ server: ServerUnderTest) throws -> BenchReport {
        let outcomes = try courses.filter(\.session.isIntact).map { try $0.sale.check($0.session.scenario.ledger) }
        var report = BenchReport(
            mode: "tokens",
            server: server,
            phases: courses.flatMap(\.session.phases).sorted { $0.startNanoseconds < $1.startNanoseconds },
            stock: outcomes.dropFirst().reduce(outcomes.first) { $0?.joined(with: $1) }
        )
        let medians = courses.map { Median.of($0.rates) }
        for (course, median) in zip(courses, medians) {
            report.add("\(course.name), median", median, "reservations/s")
            report.add("\(course.name), median", Median.of(course.cpuMicroseconds), "µs of server CPU")
        }
        for (course, median) in zip(courses, medians).dropFirst() where medians[0] > 0 {
            let share = median / medians[0]
            report.add("\(course.name) to \(courses[0].name)", share, "×")
            if share < Self.shareMin {
                report.remarks.append("\(course.name): less than \(Self.shareMin) of the rate without tokens is left.")
            }
        }
        return report
    }
}

/// A token, and the file of the key that a server believes it by.
private struct IssuedToken {
    let text: String
    let keyFile: String

    /// HS256, with a new secret.
    init(secretIn folder: String) async throws {
        let secret = (0..<32).map { _ in UInt8.random(in: 0x21...0x7E) }
        keyFile = "\(folder)/secret"
        try Data(secret).write(to: URL(fileURLWithPath: keyFile))
        text = try Self.mint(TokenKeys(secret: secret))
    }

    /// ES256, with a new key; the server gets its public half.
    init(keyPairIn folder: String) async throws {
        let key = P256.Signing.PrivateKey()
        keyFile = "\(folder)/public.pem"
        try Data(key.publicKey.pemRepresentation.utf8).write(to: URL(fileURLWithPath: keyFile))
        text = try Self.mint(await TokenKeys(pem: key.pemRepresentation))
    }

    private static func mint(_ keys: TokenKeys) throws -> String {
        try TokenMint(keys: keys)
            .token(
                tenant: "default",
                subject: "till-1",
                role: .admin,
                now: Int64(Date().timeIntervalSince1970),
                seconds: 86_400
            )
    }
}

extension ServerUnderTest {
    /// The same server, asked with a token.
    fileprivate func asked(with token: String) -> ServerUnderTest {
        var endpoint = endpoint
        endpoint.token = token
        return ServerUnderTest(endpoint: endpoint, processIdentifier: processIdentifier)
    }
}
