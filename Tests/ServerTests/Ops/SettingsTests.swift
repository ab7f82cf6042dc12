import ArgumentParser
import Foundation
import Testing

@testable import Server

/// Where settings come from, and how those that can't be used are refused.
@Suite struct SettingsTests {
    private func settings(
        _ json: String? = nil,
        _ arguments: [String] = [],
        _ variables: [String: String] = [:]
    ) async throws -> Settings {
        let file = FileManager.default.temporaryDirectory.appending(path: "settings-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        var arguments = ["--data", "data"] + arguments
        if let json {
            try Data(json.utf8).write(to: file)
            arguments += ["--config", file.path]
        }
        return try await Settings(try SettingsOptions.parse(arguments), cores: 2, variables: variables)
    }

    private func refusal(
        _ json: String? = nil,
        _ arguments: [String] = [],
        _ variables: [String: String] = [:]
    ) async -> String {
        do {
            _ = try await settings(json, arguments, variables)
            return "nothing is refused"
        } catch {
            return "\(error)"
        }
    }

    @Test func anOptionGoesBeforeTheEnvironmentAndThatBeforeTheFile() async throws {
        let json = #"{"holdfast":{"port":9000,"snapshot":{"seconds":60},"disk":{"reserve":{"mib":16}},"shards":3}}"#
        let variables = ["HOLDFAST_PORT": "9001", "HOLDFAST_SHARDS": "4", "PATH": "/bin"]
        let found = try await settings(json, ["--shards", "5"], variables)
        #expect(found.shards == 5 && found.port == 9_001)
        #expect(found.snapshotSeconds == 60 && found.diskReserveBytes == 16 << 20)
        #expect(found.segmentMib == 64 && found.host == "127.0.0.1")
        let sources = Dictionary(uniqueKeysWithValues: found.effective.map { ($0.setting.name, $0.source) })
        #expect(sources["shards"] == "--shards" && sources["port"] == "HOLDFAST_PORT")
        #expect(sources["snapshot-seconds"]?.hasPrefix("holdfast.snapshot.seconds in /") == true)
        #expect(sources["host"] == "default")
    }

    @Test func limitsAreWhatIsSetOfThem() async throws {
        #expect(try await settings("{}").rateLimits.isEmpty)
        let json = #"{"holdfast":{"sale":{"requests":{"per":{"second":20}},"burst":50},"trusted":{"proxies":"::1"}}}"#
        let options = ["--address-reporting-requests-per-second", "5", "--client-address-header", "X-Real-IP"]
        let found = try await settings(json, options).rateLimits
        #expect(found.sale == RateRule(requestsPerSecond: 20, burst: 50))
        #expect(found.addressReporting == RateRule(requestsPerSecond: 5, burst: 5))
        #expect(found.addressSale == nil && found.reporting == nil)
        #expect(found.forwarding?.field == "x-real-ip")
    }

    @Test(arguments: [
        (#"{"holdfast":{"port":"80a"}}"#, "is not a whole number"),
        (#"{"holdfast":{"port":true}}"#, "holdfast.port in "),
        (#"{"holdfast":{"port":1.5}}"#, "is not a whole number"),
        (#"{"holdfast":{"port":65536}}"#, "is 65536; it must be 0 to 65535"),
        (#"{"holdfast":{"disk":{"reserve":{"mib":"1g"}}}}"#, "holdfast.disk.reserve.mib in "),
        (#"{"holdfast":{"disk":{"reserve":{"mib":7}}}}"#, "is 7; it must be 8 to 1048576 MiB"),
        (#"{"holdfast":{"log":{"format":"xml"}}}"#, "is \"xml\"; it must be one of: text, json"),
        (#"{"holdfast":{"host":1}}"#, "is not a text"),
        (#"{"holdfast":{"host":""}}"#, "is empty"),
        (#"{"holdfast":{"prot":1}}"#, "has holdfast.prot, which is no setting; did you mean holdfast.port?"),
        (#"{"port":1}"#, "has port, which is no setting"),
        (#"{"holdfast":{"prot":{}}}"#, "has holdfast.prot, which is no setting; did you mean holdfast.port?"),
        (#"{"holdfast":{},"nonsense":{}}"#, "has nonsense, which is no setting"),
        (#"{"holdfast":{"port":{}}}"#, "holdfast.port in "),
        (#"{"holdfast":{"config":"other.json"}}"#, "has holdfast.config, which is no setting"),
        (#"{"holdfast":{"port":1,"port":2}}"#, "holdfast.port twice"),
        ("{", "is not a JSON object"), ("[]", "is not a JSON object"),
    ])
    func whatAFileSaysWrongIsNamed(json: String, message: String) async throws {
        let refusal = await refusal(json)
        #expect(refusal.contains(message) && refusal.contains("settings-"), "\(refusal)")
    }

    @Test(arguments: [
        ("HOLDFAST_PORT", "80a", "HOLDFAST_PORT is not a whole number"),
        ("HOLDFAST_PORT", "", "HOLDFAST_PORT is not a whole number"),
        ("HOLDFAST_SHARDS", "65", "HOLDFAST_SHARDS is 65; it must be 1 to 64"),
        ("HOLDFAST_PROT", "1", "HOLDFAST_PROT, which is no setting; did you mean HOLDFAST_PORT?"),
        ("HOLDFAST_SERVICE_HOST", "10.0.0.1", "enableServiceLinks"),
        ("HOLDFAST_TOKEN_KEYS", "", "HOLDFAST_TOKEN_KEYS is empty"),
        ("HOLDFAST_TOKEN_ISSUER", "me", "HOLDFAST_TOKEN_ISSUER is set, but there are no keys"),
        ("HOLDFAST_HOST", "0.0.0.0", "HOLDFAST_HOST is 0.0.0.0, which is not a loopback address"),
        ("HOLDFAST_CONFIG", "/nonexistent.json", "/nonexistent.json can't be read: No such file"),
        ("HOLDFAST_LOG_LEVEL", "loud", "HOLDFAST_LOG_LEVEL is \"loud\""),
    ])
    func whatTheEnvironmentSaysWrongIsNamed(name: String, value: String, message: String) async throws {
        let refusal = await refusal(nil, [], [name: value])
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test(arguments: [
        (["--streams-max", "20", "--connections-max", "10"], "more than --connections-max, which is 10"),
        (["--log-requests", "all", "--log-level", "warning"], "--log-level is warning"),
        (["--logged-requests-per-second", "10"], "no requests are logged"),
        (["--token-leeway-seconds", "1"], "there are no keys"),
        (["--token-keys", "keys", "--token-leeway-seconds", "61"], "must be 0 to 60 s"),
    ])
    func settingsThatDontGoTogetherAreNamed(arguments: [String], message: String) async throws {
        let refusal = await refusal(nil, arguments)
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test(arguments: [
        (["--sale-burst", "5"], "--sale-burst is set, but nothing is limited: give --sale-requests-per-second"),
        (["--sale-requests-per-second", "0"], "is 0; it must be 1 to 1000000 requests/s"),
        (["--client-address-header", "X-Real-IP"], "give --trusted-proxies, too"),
        (["--trusted-proxies", "::1"], "give --client-address-header, too"),
        (["--client-address-header", "X-Real-IP", "--trusted-proxies", "::1"], "no address is limited"),
    ])
    func limitsThatCantBeMeantAreNamed(arguments: [String], message: String) async throws {
        let refusal = await refusal(nil, arguments)
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test(arguments: [
        ("X Forwarded", "10.0.0.0/8", "not the name of a header field"),
        ("Forwarded", "10.0.0.0/8", "is not supported"),
        ("X-Real-IP", "10.0.0.1/8", "has \"10.0.0.1/8\", which is neither an address nor"),
        ("X-Real-IP", "10.0.0.0/8,", "has \"\", which is neither"),
        ("X-Real-IP", Array(repeating: "::1", count: 65).joined(separator: ","), "may have 1 to 64"),
    ])
    func proxiesThatCantBeMeantAreNamed(header: String, proxies: String, message: String) async throws {
        let arguments = ["--client-address-header", header, "--trusted-proxies", proxies]
        let refusal = await refusal(nil, arguments + ["--address-sale-requests-per-second", "5"])
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test func keysAreAskedForWhereThatIsSaid() async throws {
        let json = #"{"holdfast":{"require":{"idempotency":{"keys":true}}}}"#
        #expect(try await settings("{}").requiresIdempotencyKeys == false)
        #expect(try await settings(json).requiresIdempotencyKeys)
        #expect(try await settings(nil, [], ["HOLDFAST_REQUIRE_IDEMPOTENCY_KEYS": "true"]).requiresIdempotencyKeys)
        #expect(try await settings("{}", ["--require-idempotency-keys"]).requiresIdempotencyKeys)
    }

    @Test func withoutADataFolderThereIsNoServer() async throws {
        let options = try SettingsOptions.parse([])
        await #expect(throws: ConfigurationError.self) { try await Settings(options, cores: 2, variables: [:]) }
    }
}

/// The table of settings holds what the command line has, and the documentation holds the table.
@Suite struct SettingsTableTests {
    @Test func everyOptionIsASettingAndEverySettingAnOption() throws {
        let help = Serve.helpMessage(columns: 100)
        let options = help.matches(of: /\n  (--[a-z-]+) </).map { String($0.output.1) }
        let (flags, others) = (Setting.all.filter { $0.values == .flag }, Setting.all.filter { $0.values != .flag })
        #expect(options.sorted() == others.map(\.option).sorted())
        // What is asked of one start only is no setting.
        let once = ["--check", "--postgres-replace"]
        let given = help.matches(of: /\n  (--[a-z-]+)(?: |\n)(?! *<)/).map { String($0.output.1) }
        #expect(Set(given).subtracting(options) == Set(flags.map(\.option) + once))
        #expect(Set(Setting.all.map(\.name)).count == Setting.all.count)
        // In the file a key is either a value or an object.
        let keys = Setting.all.map(\.fileKey)
        for key in keys { #expect(!keys.contains { $0.hasPrefix(key + ".") }, "\(key)") }
    }

    /// `HOLDFAST_WRITE_DOCS=1` writes the table anew.
    @Test func theDocumentationHasEverySetting() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
        let file = root.appending(path: "docs/CONFIGURATION.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let (begin, end) = ("<!-- settings: begin -->\n", "<!-- settings: end -->")
        let start = try #require(text.range(of: begin)).upperBound
        let stop = try #require(text.range(of: end)).lowerBound
        if ProcessInfo.processInfo.environment["HOLDFAST_WRITE_DOCS"] != nil {
            try text.replacingCharacters(in: start..<stop, with: Self.table).write(
                to: file,
                atomically: true,
                encoding: .utf8
            )
        } else {
            #expect(
                text[start..<stop] == Self.table,
                "write it with HOLDFAST_WRITE_DOCS=1 swift test --filter SettingsTableTests"
            )
        }
    }

    private static var table: String {
        let rows = Setting.all.map { setting in
            let key = setting.name == Setting.config.name ? "" : "`\(setting.fileKey)`"
            let cells = [
                "`\(setting.option)`", "`\(setting.environmentVariable)`", key, setting.unit, setting.standard,
                setting.range, setting.meaning.replacing("|", with: "\\|"),
            ]
            return "| \(cells.joined(separator: " | ")) |\n"
        }
        return "| option | environment variable | key of the file | unit | default | range | meaning |\n"
            + "|---|---|---|---|---|---|---|\n" + rows.joined()
    }
}
